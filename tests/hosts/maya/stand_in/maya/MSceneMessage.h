// Stand-in for maya/MSceneMessage.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

#include <maya/MMessage.h>

class OPENMAYA_EXPORT MSceneMessage : public MMessage
{
public:
    enum Message
    {
        kMayaExiting
    };
    static MCallbackId addCallback(Message msg, MMessage::MBasicFunction func,
                                   void* clientData = nullptr, MStatus* ReturnStatus = nullptr);
};
