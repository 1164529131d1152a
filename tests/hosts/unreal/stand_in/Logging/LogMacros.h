// Stand-in for Logging/LogMacros.h of Unreal Engine 5: only what the example uses, so that it is compiled and
// driven without the SDK
#pragma once

#include "Containers/UnrealString.h"

/** Where UE_LOG goes. */
void StandInLog(const char* Category, const char* Verbosity, const FString& Line);

struct FLogCategory
{
	const char* Name;
};

#define DECLARE_LOG_CATEGORY_EXTERN(Category, DefaultVerbosity, CompileTimeVerbosity) \
	extern FLogCategory Category
#define DEFINE_LOG_CATEGORY(Category) FLogCategory Category = {#Category}
#define UE_LOG(Category, Verbosity, ...) StandInLog(Category.Name, #Verbosity, FString::Printf(__VA_ARGS__))
