// Stand-in for Modules/ModuleManager.h of Unreal Engine 5: only what the example uses, so that it is compiled
// and driven without the SDK
#pragma once

#include "CoreMinimal.h"

class IModuleInterface
{
public:
	virtual ~IModuleInterface() = default;
	virtual void StartupModule() {}
	virtual void ShutdownModule() {}
	virtual bool SupportsDynamicReloading() { return true; }
};

/** What the module manager looks up in a module's library. */
#define IMPLEMENT_MODULE(ModuleClass, ModuleName) \
	extern "C" DLLEXPORT IModuleInterface* InitializeModule(); \
	extern "C" DLLEXPORT IModuleInterface* InitializeModule() \
	{ \
		return new ModuleClass(); \
	}
