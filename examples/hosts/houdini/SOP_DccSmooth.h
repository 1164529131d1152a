// The SOP node "DCC Smooth"; see SOP_DccSmooth.C.
#ifndef __SOP_DccSmooth_h__
#define __SOP_DccSmooth_h__

#include <SOP/SOP_Node.h>

class SOP_DccSmooth : public SOP_Node
{
public:
    static OP_Node *myConstructor(OP_Network *net, const char *name, OP_Operator *op);
    static PRM_Template myTemplateList[];

protected:
    SOP_DccSmooth(OP_Network *net, const char *name, OP_Operator *op);
    ~SOP_DccSmooth() override = default;

    OP_ERROR cookMySop(OP_Context &context) override;

private:
    exint ITERATIONS(fpreal t) { return evalInt("iterations", 0, t); }
    fpreal STRENGTH(fpreal t) { return evalFloat("strength", 0, t); }
};

#endif
