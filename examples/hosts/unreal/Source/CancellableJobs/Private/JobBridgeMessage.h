// The messages of the bridge: JSON-RPC 2.0, one message in each line.
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
		/** The first line does not contain the secret. */
		Stranger = -32001,
		/** A limit was exceeded, and the connection ends. */
		Bound = -32002,
		Cancelled = -32800
	};

	/** Parses a line. Nothing if it is not a JSON object. */
	TSharedPtr<FJsonObject> Parse(const FString& Line);

	/** The id of a request, or a progress token. Nothing if the value cannot be one. */
	TOptional<dcc::request_id> IdFrom(const TSharedPtr<FJsonValue>& Value);

	TSharedRef<FJsonValue> JsonOf(const dcc::request_id& Id);

	/** The text of a message, without the end of the line. */
	std::string Result(const dcc::request_id& Id, const TSharedRef<FJsonObject>& Value);

	/** The text of an error. Its id is null if the id of the line is not known. */
	std::string Error(const TOptional<dcc::request_id>& Id, EErrorCode Code, const FString& Message);
}
