// Stand-in for maya/MPointArray.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

#include <maya/MPoint.h>
#include <maya/MStatus.h>

#include <vector>

class OPENMAYA_EXPORT MPointArray
{
public:
    unsigned int length() const { return static_cast<unsigned int>(points_.size()); }
    MStatus setLength(unsigned int length);
    MStatus set(unsigned int index, double x, double y, double z, double w = 1);
    MStatus append(const MPoint& point);
    MPoint& operator[](unsigned int index) { return points_[index]; }
    const MPoint& operator[](unsigned int index) const { return points_[index]; }

private:
    std::vector<MPoint> points_;
};
