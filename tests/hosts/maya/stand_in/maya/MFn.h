// Stand-in for maya/MFn.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

class MFn
{
public:
    enum Type
    {
        kInvalid = 0,
        kTransform = 110,
        kMesh = 296
    };
};
