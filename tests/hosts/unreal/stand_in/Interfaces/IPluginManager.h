// Stand-in for Interfaces/IPluginManager.h of Unreal Engine 5: only what the example uses, so that it is
// compiled and driven without the SDK
#pragma once

#include "CoreMinimal.h"

class IPlugin
{
public:
	virtual ~IPlugin() = default;
	virtual const FString& GetBaseDir() const = 0;
};

class IPluginManager
{
public:
	static IPluginManager& Get();
	virtual ~IPluginManager() = default;
	virtual TSharedPtr<IPlugin> FindPlugin(const FString& Name) = 0;
};
