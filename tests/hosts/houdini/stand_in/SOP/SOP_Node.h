// Stand-in for SOP/SOP_Node.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_SOP_SOP_NODE_H
#define STAND_IN_SOP_SOP_NODE_H

#include <GU/GU_Detail.h>
#include <OP/OP_Node.h>
#include <SYS/SYS_Visibility.h>

class OP_OperatorTable;

extern "C" {
SYS_VISIBILITY_EXPORT extern void newSopOperator(OP_OperatorTable *table);
}

enum SOP_ErrorCodes { SOP_MESSAGE = 0 };

class SOP_NodeFlags
{
public:
    void setManagesDataIDs(bool on) { myManagesDataIDs = on; }
    bool getManagesDataIDs() const { return myManagesDataIDs; }

private:
    bool myManagesDataIDs = false;
};

class SOP_Node : public OP_Network
{
public:
    const GU_Detail *getLastGeo() const { return gdp; }

    void addError(int, const char *msg = nullptr) { addMessageOf(UT_ERROR_ABORT, msg); }
    void addWarning(SOP_ErrorCodes, const char *msg = nullptr) { addMessageOf(UT_ERROR_WARNING, msg); }

protected:
    SOP_Node(OP_Network *parent, const char *name, OP_Operator *entry = nullptr)
        : OP_Network(parent, name, entry)
    {
    }

    virtual OP_ERROR cookMySop(OP_Context &context) = 0;
    OP_ERROR cookMe(OP_Context &context) override;
    OP_ERROR duplicateSource(unsigned index, OP_Context &context);

    SOP_NodeFlags mySopFlags;
    GU_Detail myDetail;
    GU_Detail *gdp = &myDetail;
};

#endif
