// Stand-in for maya/MObject.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

#include <maya/MTypes.h>

// Here: a plug-in.
class OPENMAYA_EXPORT MObject
{
public:
    MObject() {}
    explicit MObject(void* data) : data_(data) {}
    void* data() const { return data_; }

private:
    void* data_ = nullptr;
};
