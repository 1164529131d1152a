// Stand-in for maya/MPlug.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

#include <maya/MStatus.h>

class OPENMAYA_EXPORT MPlug
{
public:
    bool isDestination(MStatus* ReturnStatus = nullptr) const;

private:
    friend class MFnMesh;
    bool isDestination_ = false;
};
