// Stand-in for OP/OP_Node.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_OP_OP_NODE_H
#define STAND_IN_OP_OP_NODE_H

#include <OP/OP_Error.h>
#include <PRM/PRM_Include.h>
#include <SYS/SYS_Types.h>
#include <UT/UT_String.h>
#include <UT/UT_StringHolder.h>

#include <map>
#include <string>
#include <vector>

class OP_Context;
class OP_Network;
class OP_Operator;

class OP_Node
{
public:
    OP_Node(OP_Network *parent, const char *name, OP_Operator *entry);
    OP_Node(const OP_Node &) = delete;
    OP_Node &operator=(const OP_Node &) = delete;
    virtual ~OP_Node();

    UT_StringHolder getFullPath() const { return myPath; }
    void setInput(unsigned index, OP_Node *input);

    exint evalInt(const char *parm, int, fpreal) const { return static_cast<exint>(value(parm)); }
    fpreal evalFloat(const char *parm, int, fpreal) const { return value(parm); }
    void setFloat(const char *parm, int, fpreal, fpreal value);
    void setInt(const char *parm, int, fpreal, exint value);

    // Every cook cooks here: which of them Houdini would save itself is not told by its headers.
    virtual void forceRecook(bool evensmartcache = true);
    virtual bool cook(OP_Context &context);
    OP_ERROR error() const { return mySeverity; }
    int getErrorMessages(UT_String &messages, UT_ErrorSeverity severity = UT_ERROR_NONE);

protected:
    friend class OP_AutoLockInputs;

    virtual OP_ERROR cookMe(OP_Context &context) = 0;
    void addMessageOf(UT_ErrorSeverity severity, const char *message);

    std::vector<OP_Node *> myInputs;

private:
    fpreal value(const char *parm) const { return myParms.at(parm); }

    std::string myPath;
    std::map<std::string, fpreal> myParms;
    std::map<std::string, const PRM_Range *> myRanges;
    UT_ErrorSeverity mySeverity = UT_ERROR_NONE;
    std::string myMessages;
};

class OP_Network : public OP_Node
{
public:
    using OP_Node::OP_Node;
};

#endif
