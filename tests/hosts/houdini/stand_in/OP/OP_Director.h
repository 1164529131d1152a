// Stand-in for OP/OP_Director.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_OP_OP_DIRECTOR_H
#define STAND_IN_OP_OP_DIRECTOR_H

class OP_Node;

class OP_Director
{
public:
    OP_Node *findNode(const char *path) const;
};

OP_Director *OPgetDirector();

#endif
