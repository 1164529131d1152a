// Stand-in for Containers/Ticker.h of Unreal Engine 5: only what the example uses, so that it is compiled and
// driven without the SDK
#pragma once

#include <functional>
#include <list>
#include <mutex>

#include "CoreMinimal.h"

class FTickerDelegate
{
public:
	template <class T>
	static FTickerDelegate CreateRaw(T* Object, bool (T::*Method)(float))
	{
		FTickerDelegate Delegate;
		Delegate.Function = [Object, Method](float DeltaTime) { return (Object->*Method)(DeltaTime); };
		return Delegate;
	}

	std::function<bool(float)> Function;
};

class FTSTicker
{
	struct FElement
	{
		FTickerDelegate Delegate;
		std::recursive_mutex IsTicking;
		bool bIsRemoved = false;
	};

public:
	using FDelegateHandle = TWeakPtr<FElement>;

	static FTSTicker& GetCoreTicker();
	FDelegateHandle AddTicker(const FTickerDelegate& Delegate, float Delay = 0.0f);
	/** Waits while the delegate runs on another thread. A handle of none is harmless. */
	static void RemoveTicker(FDelegateHandle Handle);
	/** Of the engine's loop. A delegate that answers false is removed. */
	void Tick(float DeltaTime);
	/** How many delegates there are. */
	int32 StandInNum();

private:
	std::mutex Lock;
	std::list<TSharedRef<FElement>> Elements;
};
