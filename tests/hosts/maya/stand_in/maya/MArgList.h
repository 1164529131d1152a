// Stand-in for maya/MArgList.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

#include <maya/MStringArray.h>

class OPENMAYA_EXPORT MArgList
{
public:
    MStatus addArg(const MString& arg);
    unsigned int length(MStatus* ReturnStatus = nullptr) const;
    MString asString(unsigned int index, MStatus* ReturnStatus = nullptr) const;

private:
    MStringArray words_;
};
