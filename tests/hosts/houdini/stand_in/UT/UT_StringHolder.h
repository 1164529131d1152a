// Stand-in for UT/UT_StringHolder.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_UT_UT_STRINGHOLDER_H
#define STAND_IN_UT_UT_STRINGHOLDER_H

#include <string>
#include <utility>

class UT_StringHolder
{
public:
    UT_StringHolder(const char *text) : myText(text) {}
    UT_StringHolder(std::string text) : myText(std::move(text)) {}
    const char *c_str() const { return myText.c_str(); }

private:
    std::string myText;
};

#endif
