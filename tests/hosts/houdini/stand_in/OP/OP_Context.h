// Stand-in for OP/OP_Context.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_OP_OP_CONTEXT_H
#define STAND_IN_OP_OP_CONTEXT_H

#include <SYS/SYS_Types.h>

class OP_Context
{
public:
    explicit OP_Context(fpreal time) : myTime(time) {}
    fpreal getTime() const { return myTime; }

private:
    fpreal myTime;
};

#endif
