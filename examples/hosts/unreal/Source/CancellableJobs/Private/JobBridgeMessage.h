// The bridge's messages: JSON-RPC 2.0, one a line.
#pragma once

#include "CoreMinimal.h"
#include "Dom/JsonObject.h"
#include "Misc/Optional.h"

#include <string>

#include "DccCancel.h"

namespace JobBridge
{
	enum class EErrorCode : int32
	{
		Parse = -32700,
		InvalidRequest = -32600,
		NoMethod = -32601,
		Params = -32602,
		Refused = -32000,
		/** The first line does not show the secret. */
		Stranger = -32001,
		/** A bound was crossed; the connection ends. */
		Bound = -32002,
		Cancelled = -32800
	};

	/** Nothing for what is no JSON object. */
	TSharedPtr<FJsonObject> Parse(const FString& Line);

	/** An id of a request, or a progress token; nothing for what is neither. */
	TOptional<dcc::request_id> IdFrom(const TSharedPtr<FJsonValue>& Value);

	TSharedRef<FJsonValue> JsonOf(const dcc::request_id& Id);

	/** Without the line's end. */
	std::string Result(const dcc::request_id& Id, const TSharedRef<FJsonObject>& Value);

	/** An error about a line whose id is not known has the id null. */
	std::string Error(const TOptional<dcc::request_id>& Id, EErrorCode Code, const FString& Message);
}
