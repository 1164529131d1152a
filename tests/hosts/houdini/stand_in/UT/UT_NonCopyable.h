// Stand-in for UT/UT_NonCopyable.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_UT_UT_NONCOPYABLE_H
#define STAND_IN_UT_UT_NONCOPYABLE_H

class UT_NonCopyable
{
public:
    UT_NonCopyable() = default;
    UT_NonCopyable(const UT_NonCopyable &) = delete;
    UT_NonCopyable &operator=(const UT_NonCopyable &) = delete;
};

#endif
