// Stand-in for maya/MThreadUtils.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

#include <maya/MTypes.h>

class OPENMAYA_EXPORT MThreadUtils
{
public:
    static int getNumThreads();
};
