// Stand-in for Misc/Paths.h of Unreal Engine 5: only what the example uses, so that it is compiled and driven
// without the SDK
#pragma once

#include "CoreMinimal.h"

struct FPaths
{
	template <class... ArgTypes>
	static FString Combine(const FString& First, const FString& Second, const ArgTypes&... More)
	{
		const FString Both = First + TEXT("/") + Second;
		if constexpr (sizeof...(More) == 0)
		{
			return Both;
		}
		else
		{
			return Combine(Both, FString(More)...);
		}
	}
	/** The folder of a file. */
	static FString GetPath(const FString& Path);
};
