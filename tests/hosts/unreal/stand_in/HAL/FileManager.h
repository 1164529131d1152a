// Stand-in for HAL/FileManager.h of Unreal Engine 5: only what the example uses, so that it is compiled and
// driven without the SDK
#pragma once

#include "CoreMinimal.h"

class IFileManager
{
public:
	static IFileManager& Get();
	virtual ~IFileManager() = default;

	virtual bool Delete(
		const TCHAR* Path, bool bRequireExists = false, bool bEvenReadOnly = false, bool bQuiet = false) = 0;
	/** To the first from the second, which is gone afterwards. */
	virtual bool Move(const TCHAR* To, const TCHAR* From, bool bReplace = true) = 0;
	virtual bool MakeDirectory(const TCHAR* Path, bool bTree = false) = 0;
};
