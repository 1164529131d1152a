// Stand-in for OP/OP_OperatorTable.h of the HDK: only what the example uses, so that it is compiled and
// driven without the SDK.
#ifndef STAND_IN_OP_OP_OPERATORTABLE_H
#define STAND_IN_OP_OP_OPERATORTABLE_H

#include <OP/OP_Operator.h>

#include <memory>
#include <vector>

class OP_OperatorTable
{
public:
    bool
    addOperator(OP_Operator *op)
    {
        myOperators.emplace_back(op);
        return true;
    }
    std::vector<std::unique_ptr<OP_Operator>> myOperators;
};

#endif
