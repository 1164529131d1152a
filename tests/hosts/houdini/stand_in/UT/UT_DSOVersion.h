// Stand-in for UT/UT_DSOVersion.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_UT_UT_DSOVERSION_H
#define STAND_IN_UT_UT_DSOVERSION_H

#include <SYS/SYS_Visibility.h>

// Houdini refuses a shared object without it, so one source file includes this header.
extern "C" SYS_VISIBILITY_EXPORT void HoudiniDSOVersion(const char **version);
extern "C" void
HoudiniDSOVersion(const char **version)
{
    *version = "stand-in";
}

#endif
