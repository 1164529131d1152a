// Stand-in for maya/MMessage.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

#include <maya/MStatus.h>

#include <cstdint>

typedef std::uintptr_t MCallbackId;

class OPENMAYA_EXPORT MMessage
{
public:
    typedef void (*MBasicFunction)(void* clientData);
    typedef void (*MElapsedTimeFunction)(float elapsedTime, float lastTime, void* clientData);
    static MStatus removeCallback(MCallbackId id);
};
