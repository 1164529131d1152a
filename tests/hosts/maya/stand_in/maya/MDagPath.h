// Stand-in for maya/MDagPath.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

#include <maya/MFn.h>
#include <maya/MString.h>

// Here: the name of a node; a transform has the shape of its name and "Shape".
class OPENMAYA_EXPORT MDagPath
{
public:
    MStatus extendToShape();
    bool hasFn(MFn::Type type, MStatus* ReturnStatus = nullptr) const;
    MString partialPathName(MStatus* ReturnStatus = nullptr) const;

private:
    friend class MSelectionList;
    std::string name_;
};
