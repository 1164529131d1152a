// Stand-in for SYS/SYS_Types.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_SYS_SYS_TYPES_H
#define STAND_IN_SYS_SYS_TYPES_H

#include <cstdint>

using int64 = std::int64_t;
using exint = int64;
using fpreal32 = float;
using fpreal = double;

#endif
