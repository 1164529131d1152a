// dcc_cancel.hpp as Unreal includes what is not its own, and texts from one to the other.
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

	/** What the last call on this thread that failed had to say. */
	inline FString LastError()
	{
		return ToFString(dcc::detail::text([](char* Buffer, std::size_t Size, std::size_t* Length) {
			return dcc_last_error(Buffer, Size, Length);
		}));
	}
}
