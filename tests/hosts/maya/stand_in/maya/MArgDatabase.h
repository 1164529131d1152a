// Stand-in for maya/MArgDatabase.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

#include <maya/MArgList.h>
#include <maya/MSelectionList.h>
#include <maya/MSyntax.h>

#include <map>

class OPENMAYA_EXPORT MArgDatabase
{
public:
    MArgDatabase(const MSyntax& syntax, const MArgList& argList, MStatus* ReturnStatus = nullptr);
    bool isFlagSet(const char* flag, MStatus* ReturnStatus = nullptr) const;
    MStatus getFlagArgument(const char* flag, unsigned int index, int& result) const;
    MStatus getFlagArgument(const char* flag, unsigned int index, double& result) const;
    MStatus getFlagArgument(const char* flag, unsigned int index, MString& result) const;
    MStatus getCommandArgument(unsigned int index, MString& result) const;
    MStatus getObjects(MSelectionList& result) const;
    MStatus getObjects(MStringArray& result) const;

private:
    MStatus parse(const MArgList& argList);
    MSyntax syntax_;
    std::map<std::string, MString> flags_; // by short name
    MStringArray rest_;
};
