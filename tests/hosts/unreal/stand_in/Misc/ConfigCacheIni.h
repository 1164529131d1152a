// Stand-in for Misc/ConfigCacheIni.h of Unreal Engine 5: only what the example uses, so that it is compiled
// and driven without the SDK
#pragma once

#include <map>
#include <string>

#include "CoreMinimal.h"

/** One section's values, as the driver sets them. */
class FConfigCacheIni
{
public:
	bool GetBool(const TCHAR* Section, const TCHAR* Key, bool& Value, const FString& File) const;
	bool GetInt(const TCHAR* Section, const TCHAR* Key, int32& Value, const FString& File) const;
	bool GetDouble(const TCHAR* Section, const TCHAR* Key, double& Value, const FString& File) const;

	std::map<std::string, std::string> StandInValues;

private:
	const std::string* Find(const TCHAR* Key) const;
};

extern FConfigCacheIni* GConfig;
extern FString GEditorPerProjectIni;
