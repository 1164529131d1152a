// Stand-in for maya/MPoint.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

#include <maya/MTypes.h>

class OPENMAYA_EXPORT MPoint
{
public:
    MPoint() {}
    MPoint(double xx, double yy, double zz = 0.0, double ww = 1.0) : x(xx), y(yy), z(zz), w(ww) {}
    double x = 0, y = 0, z = 0, w = 1;
};
