// Stand-in for Serialization/JsonWriter.h of Unreal Engine 5: only what the example uses, so that it is
// compiled and driven without the SDK
#pragma once

#include "CoreMinimal.h"

template <class CharType, class PrintPolicy>
class TJsonWriter
{
public:
	explicit TJsonWriter(FString* InOut) : Out(InOut) {}

	FString* Out;
};

template <class CharType, class PrintPolicy>
struct TJsonWriterFactory
{
	static TSharedRef<TJsonWriter<CharType, PrintPolicy>> Create(FString* Out)
	{
		return MakeShared<TJsonWriter<CharType, PrintPolicy>>(Out);
	}
};
