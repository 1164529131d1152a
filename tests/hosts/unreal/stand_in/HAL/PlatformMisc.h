// Stand-in for HAL/PlatformMisc.h of Unreal Engine 5: only what the example uses, so that it is compiled and
// driven without the SDK
#pragma once

#include <thread>

#include "HAL/Platform.h"

struct FPlatformMisc
{
	static int32 NumberOfCoresIncludingHyperthreads()
	{
		return static_cast<int32>(std::thread::hardware_concurrency());
	}
};
