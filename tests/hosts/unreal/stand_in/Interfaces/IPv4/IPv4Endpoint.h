// Stand-in for Interfaces/IPv4/IPv4Endpoint.h of Unreal Engine 5: only what the example uses, so that it is
// compiled and driven without the SDK
#pragma once

#include "IPAddress.h"
#include "Interfaces/IPv4/IPv4Address.h"

struct FIPv4Endpoint
{
	FIPv4Endpoint(const FIPv4Address& InAddress, uint16 InPort) : Address(InAddress), Port(InPort) {}

	TSharedRef<FInternetAddr> ToInternetAddrIPV4() const
	{
		return MakeShared<FInternetAddr>(Address.Value, Port);
	}

	FIPv4Address Address;
	uint16 Port;
};
