// Stand-in for maya/MStringArray.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

#include <maya/MString.h>

#include <vector>

class OPENMAYA_EXPORT MStringArray
{
public:
    unsigned int length() const { return static_cast<unsigned int>(items_.size()); }
    MStatus append(const MString& item);
    const MString& operator[](unsigned int index) const { return items_[index]; }
    MStatus clear();

private:
    std::vector<MString> items_;
};
