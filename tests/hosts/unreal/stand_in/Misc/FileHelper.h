// Stand-in for Misc/FileHelper.h of Unreal Engine 5: only what the example uses, so that it is compiled and
// driven without the SDK
#pragma once

#include "CoreMinimal.h"

struct FFileHelper
{
	enum class EEncodingOptions { AutoDetect, ForceUTF8WithoutBOM };

	static bool SaveStringToFile(
		const FString& Text, const TCHAR* Path, EEncodingOptions Encoding = EEncodingOptions::AutoDetect);
};
