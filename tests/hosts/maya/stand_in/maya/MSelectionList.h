// Stand-in for maya/MSelectionList.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

#include <maya/MDagPath.h>
#include <maya/MObject.h>

#include <vector>

class OPENMAYA_EXPORT MSelectionList
{
public:
    unsigned int length(MStatus* ReturnStatus = nullptr) const;
    MStatus add(const MString& matchString, const bool searchChildNamespacesToo = false);
    MStatus getDagPath(unsigned int index, MDagPath& dagPath) const;
    MStatus clear();

private:
    std::vector<std::string> names_;
};
