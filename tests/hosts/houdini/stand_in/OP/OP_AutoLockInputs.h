// Stand-in for OP/OP_AutoLockInputs.h of the HDK: only what the example uses, so that it is compiled and
// driven without the SDK.
#ifndef STAND_IN_OP_OP_AUTOLOCKINPUTS_H
#define STAND_IN_OP_OP_AUTOLOCKINPUTS_H

#include <OP/OP_Error.h>

class OP_Context;
class OP_Node;

class OP_AutoLockInputs
{
public:
    explicit OP_AutoLockInputs(OP_Node *node) : myNode(node) {}
    OP_ERROR lock(OP_Context &context);

private:
    OP_Node *myNode;
};

#endif
