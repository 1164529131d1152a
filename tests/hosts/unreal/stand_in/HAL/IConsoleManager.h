// Stand-in for HAL/IConsoleManager.h of Unreal Engine 5: only what the example uses, so that it is compiled
// and driven without the SDK
#pragma once

#include <functional>

#include "CoreMinimal.h"

class FConsoleCommandDelegate
{
public:
	template <class T>
	static FConsoleCommandDelegate CreateRaw(T* Object, void (T::*Method)())
	{
		FConsoleCommandDelegate Delegate;
		Delegate.Function = [Object, Method](const TArray<FString>&) { (Object->*Method)(); };
		return Delegate;
	}

	std::function<void(const TArray<FString>&)> Function;
};

class FConsoleCommandWithArgsDelegate
{
public:
	template <class T>
	static FConsoleCommandWithArgsDelegate CreateRaw(T* Object, void (T::*Method)(const TArray<FString>&))
	{
		FConsoleCommandWithArgsDelegate Delegate;
		Delegate.Function = [Object, Method](const TArray<FString>& Arguments) {
			(Object->*Method)(Arguments);
		};
		return Delegate;
	}

	std::function<void(const TArray<FString>&)> Function;
};

class IConsoleObject
{
public:
	virtual ~IConsoleObject() = default;
};

class IConsoleManager
{
public:
	static IConsoleManager& Get();
	virtual ~IConsoleManager() = default;

	virtual IConsoleObject* RegisterConsoleCommand(
		const TCHAR* Name, const TCHAR* Help, const FConsoleCommandDelegate& Command) = 0;
	virtual IConsoleObject* RegisterConsoleCommand(
		const TCHAR* Name, const TCHAR* Help, const FConsoleCommandWithArgsDelegate& Command) = 0;
	virtual void UnregisterConsoleObject(IConsoleObject* Object, bool bKeepState = true) = 0;
};
