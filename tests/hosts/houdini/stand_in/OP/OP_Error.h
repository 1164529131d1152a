// Stand-in for OP/OP_Error.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_OP_OP_ERROR_H
#define STAND_IN_OP_OP_ERROR_H

#include <UT/UT_Error.h>

using OP_ERROR = UT_ErrorSeverity;

#endif
