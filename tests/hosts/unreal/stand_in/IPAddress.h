// Stand-in for IPAddress.h of Unreal Engine 5: only what the example uses, so that it is compiled and driven
// without the SDK
#pragma once

#include "CoreMinimal.h"

class FInternetAddr
{
public:
	FInternetAddr(uint32 InAddress, uint16 InPort) : Address(InAddress), Port(InPort) {}

	FName GetProtocolType() const { return "IPv4"; }

	uint32 Address;
	uint16 Port;
};
