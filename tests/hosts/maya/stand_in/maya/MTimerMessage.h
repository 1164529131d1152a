// Stand-in for maya/MTimerMessage.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

#include <maya/MMessage.h>

class OPENMAYA_EXPORT MTimerMessage : public MMessage
{
public:
    static MCallbackId addTimerCallback(float period, MMessage::MElapsedTimeFunction func,
                                        void* clientData = nullptr, MStatus* ReturnStatus = nullptr);
};
