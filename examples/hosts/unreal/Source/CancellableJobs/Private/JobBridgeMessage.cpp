#include "JobBridgeMessage.h"

#include "Policies/CondensedJsonPrintPolicy.h"
#include "Serialization/JsonReader.h"
#include "Serialization/JsonSerializer.h"
#include "Serialization/JsonWriter.h"

namespace
{
	std::string Written(const TSharedRef<FJsonObject>& Message)
	{
		using FPolicy = TCondensedJsonPrintPolicy<TCHAR>;
		FString Line;
		const TSharedRef<TJsonWriter<TCHAR, FPolicy>> Writer =
			TJsonWriterFactory<TCHAR, FPolicy>::Create(&Line);
		FJsonSerializer::Serialize(Message, Writer);
		return DccCancel::ToUtf8(Line);
	}

	TSharedRef<FJsonObject> Answer(const TOptional<dcc::request_id>& Id)
	{
		const TSharedRef<FJsonObject> Message = MakeShared<FJsonObject>();
		Message->SetStringField(TEXT("jsonrpc"), TEXT("2.0"));
		if (Id.IsSet())
		{
			Message->SetField(TEXT("id"), JobBridge::JsonOf(*Id));
		}
		else
		{
			Message->SetField(TEXT("id"), MakeShared<FJsonValueNull>());
		}
		return Message;
	}
}

TSharedPtr<FJsonObject> JobBridge::Parse(const FString& Line)
{
	TSharedPtr<FJsonObject> Message;
	const TSharedRef<TJsonReader<>> Reader = TJsonReaderFactory<>::Create(Line);
	return FJsonSerializer::Deserialize(Reader, Message) ? Message : nullptr;
}

TOptional<dcc::request_id> JobBridge::IdFrom(const TSharedPtr<FJsonValue>& Value)
{
	// Unreal keeps numbers as doubles. Beyond this limit two ids could become the same number.
	constexpr double Exact = 9007199254740992.0;
	if (!Value.IsValid())
	{
		return {};
	}
	if (Value->Type == EJson::String)
	{
		return dcc::request_id(DccCancel::ToUtf8(Value->AsString()));
	}
	if (Value->Type != EJson::Number)
	{
		return {};
	}
	const double Number = Value->AsNumber();
	if (!(Number > -Exact && Number < Exact) || Number != FMath::FloorToDouble(Number))
	{
		return {};
	}
	return dcc::request_id(static_cast<int64>(Number));
}

TSharedRef<FJsonValue> JobBridge::JsonOf(const dcc::request_id& Id)
{
	if (Id.is_text())
	{
		return MakeShared<FJsonValueString>(DccCancel::ToFString(Id.text()));
	}
	return MakeShared<FJsonValueNumber>(static_cast<double>(Id.integer()));
}

std::string JobBridge::Result(const dcc::request_id& Id, const TSharedRef<FJsonObject>& Value)
{
	const TSharedRef<FJsonObject> Message = Answer(Id);
	Message->SetObjectField(TEXT("result"), Value);
	return Written(Message);
}

std::string JobBridge::Error(const TOptional<dcc::request_id>& Id, EErrorCode Code, const FString& Text)
{
	const TSharedRef<FJsonObject> Said = MakeShared<FJsonObject>();
	Said->SetNumberField(TEXT("code"), static_cast<double>(Code));
	Said->SetStringField(TEXT("message"), Text);
	const TSharedRef<FJsonObject> Message = Answer(Id);
	Message->SetObjectField(TEXT("error"), Said);
	return Written(Message);
}
