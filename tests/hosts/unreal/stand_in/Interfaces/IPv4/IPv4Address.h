// Stand-in for Interfaces/IPv4/IPv4Address.h of Unreal Engine 5: only what the example uses, so that it is
// compiled and driven without the SDK
#pragma once

#include "CoreMinimal.h"

struct FIPv4Address
{
	/** The address as a number. */
	uint32 Value;

	static const FIPv4Address InternalLoopback;
};

inline const FIPv4Address FIPv4Address::InternalLoopback = {0x7F000001u};
