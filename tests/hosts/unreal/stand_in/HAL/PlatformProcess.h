// Stand-in for HAL/PlatformProcess.h of Unreal Engine 5: only what the example uses, so that it is compiled
// and driven without the SDK
#pragma once

#include "CoreMinimal.h"

struct FPlatformProcess
{
	static void Sleep(float Seconds);
	static uint32 GetCurrentProcessId();
	/** Where the driver says. */
	static const TCHAR* UserSettingsDir();
	static void* GetDllHandle(const TCHAR* Path);
};
