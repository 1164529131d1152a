// Stand-in for maya/MTypes.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

#define PLUGIN_EXPORT __attribute__((visibility("default")))
#define OPENMAYA_EXPORT __attribute__((visibility("default")))

typedef int int2[2];

class MSyntax;
typedef void* (*MCreatorFunction)();
typedef MSyntax (*MCreateSyntaxFunction)();
