// Stand-in for maya/MPxCommand.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

#include <maya/MArgList.h>
#include <maya/MString.h>
#include <maya/MSyntax.h>

class OPENMAYA_EXPORT MPxCommand
{
public:
    MPxCommand();
    MPxCommand(const MPxCommand&) = delete;
    MPxCommand& operator=(const MPxCommand&) = delete;
    virtual ~MPxCommand();
    virtual MStatus doIt(const MArgList& args);
    virtual MStatus undoIt();
    virtual MStatus redoIt();
    virtual bool isUndoable() const;
    MSyntax syntax() const;

    static void displayWarning(const MString& theWarning, bool showLineNumber = false);
    static void displayError(const MString& theError, bool showLineNumber = false);
    static void setResult(int val);
    static void setResult(const char* val);
    static void setResult(const MString& val);
};
