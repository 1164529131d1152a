// Stand-in for GA/GA_Types.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_GA_GA_TYPES_H
#define STAND_IN_GA_GA_TYPES_H

#include <SYS/SYS_Types.h>

using GA_Offset = exint;
using GA_Index = exint;
using GA_Size = exint;

#endif
