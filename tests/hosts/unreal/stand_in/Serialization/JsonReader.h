// Stand-in for Serialization/JsonReader.h of Unreal Engine 5: only what the example uses, so that it is
// compiled and driven without the SDK
#pragma once

#include "CoreMinimal.h"

template <class CharType = TCHAR>
class TJsonReader
{
public:
	explicit TJsonReader(const FString& InText) : Text(InText) {}

	FString Text;
};

template <class CharType = TCHAR>
struct TJsonReaderFactory
{
	static TSharedRef<TJsonReader<CharType>> Create(const FString& Text)
	{
		return MakeShared<TJsonReader<CharType>>(Text);
	}
};
