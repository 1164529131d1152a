// Stand-in for Internationalization/Text.h of Unreal Engine 5: only what the example uses, so that it is
// compiled and driven without the SDK
#pragma once

#include "Containers/UnrealString.h"

class FText
{
public:
	static FText FromString(FString InText)
	{
		FText Result;
		Result.Text = InText;
		return Result;
	}
	const FString& ToString() const { return Text; }

private:
	FString Text;
};
