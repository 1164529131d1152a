// Stand-in for maya/MGlobal.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

#include <maya/MString.h>

class OPENMAYA_EXPORT MGlobal
{
public:
    enum MMayaState
    {
        kInteractive,
        kBatch,
        kLibraryApp,
        kBaseUIMode
    };
    static MMayaState mayaState(MStatus* ReturnStatus = nullptr);
    static MStatus executeCommand(const MString& command, bool displayEnabled = false,
                                  bool undoEnabled = false);
    static MStatus executeCommandOnIdle(const MString& command, bool displayEnabled = false);
    static void displayWarning(const MString& theWarning);
    static void displayError(const MString& theError);
};
