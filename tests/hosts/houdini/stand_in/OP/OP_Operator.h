// Stand-in for OP/OP_Operator.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_OP_OP_OPERATOR_H
#define STAND_IN_OP_OP_OPERATOR_H

#include <PRM/PRM_Include.h>

class CH_LocalVariable;
class OP_Network;
class OP_Node;
class OP_Operator;

using OP_Constructor = OP_Node *(*)(OP_Network *net, const char *name, OP_Operator *entry);

class OP_Operator
{
public:
    OP_Operator(const char *name, const char *english, OP_Constructor construct,
                PRM_Template *templates, unsigned min_sources, unsigned max_sources = 9999,
                CH_LocalVariable * = nullptr, unsigned = 0)
        : myName(name), myEnglish(english), myConstruct(construct), myTemplates(templates),
          myMinSources(min_sources), myMaxSources(max_sources)
    {
    }

    const char *myName, *myEnglish;
    OP_Constructor myConstruct;
    PRM_Template *myTemplates;
    unsigned myMinSources, myMaxSources;
};

#endif
