// Stand-in for maya/MSpace.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

class MSpace
{
public:
    enum Space
    {
        kInvalid = 0,
        kTransform = 1,
        kPreTransform = 2,
        kPostTransform = 3,
        kWorld = 4,
        kObject = kPreTransform
    };
};
