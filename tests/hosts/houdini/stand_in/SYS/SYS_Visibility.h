// Stand-in for SYS/SYS_Visibility.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_SYS_SYS_VISIBILITY_H
#define STAND_IN_SYS_SYS_VISIBILITY_H

#if defined(_WIN32)
#define SYS_VISIBILITY_EXPORT __declspec(dllexport)
#else
#define SYS_VISIBILITY_EXPORT __attribute__((visibility("default")))
#endif

#endif
