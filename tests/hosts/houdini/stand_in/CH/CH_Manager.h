// Stand-in for CH/CH_Manager.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_CH_CH_MANAGER_H
#define STAND_IN_CH_CH_MANAGER_H

#include <SYS/SYS_Types.h>

fpreal CHgetEvalTime();

#endif
