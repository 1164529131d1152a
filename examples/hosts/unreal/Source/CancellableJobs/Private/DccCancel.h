// Includes dcc_cancel.hpp in the way of Unreal's third-party headers, and converts texts.
#pragma once

#include "CoreMinimal.h"

#include <string>

THIRD_PARTY_INCLUDES_START
#include "dcc_cancel.hpp"
THIRD_PARTY_INCLUDES_END

#if !DCC_CANCEL_COROUTINES
#error "The jobs in slices are coroutines: they need C++20, and of clang version 14 or later"
#endif

DECLARE_LOG_CATEGORY_EXTERN(LogCancellableJobs, Log, All);

namespace DccCancel
{
	inline FString ToFString(const std::string& Text)
	{
		const FUTF8ToTCHAR Converted(Text.data(), static_cast<int32>(Text.size()));
		return FString::ConstructFromPtrSize(Converted.Get(), Converted.Length());
	}

	inline std::string ToUtf8(const FString& Text)
	{
		const FTCHARToUTF8 Converted(*Text, Text.Len());
		return std::string(Converted.Get(), static_cast<std::size_t>(Converted.Length()));
	}

	inline const TCHAR* StateText(dcc::job_state State)
	{
		switch (State)
		{
		case dcc::job_state::pending: return TEXT("pending");
		case dcc::job_state::running: return TEXT("running");
		case dcc::job_state::completed: return TEXT("completed");
		case dcc::job_state::failed: return TEXT("failed");
		case dcc::job_state::cancelled: return TEXT("cancelled");
		case dcc::job_state::interrupted: return TEXT("interrupted");
		default: return TEXT("none");
		}
	}

	/** The library's text for the last call that failed on this thread. */
	inline FString LastError()
	{
		return ToFString(dcc::detail::text([](char* Buffer, std::size_t Size, std::size_t* Length) {
			return dcc_last_error(Buffer, Size, Length);
		}));
	}
}
