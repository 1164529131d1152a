// Stand-in for Dom/JsonObject.h of Unreal Engine 5: only what the example uses, so that it is compiled and
// driven without the SDK
#pragma once

#include <map>
#include <string>

#include "CoreMinimal.h"
#include "Dom/JsonValue.h"

class FJsonObject
{
public:
	TSharedPtr<FJsonValue> TryGetField(const FString& Name) const
	{
		const auto Found = Values.find(*Name);
		return Found == Values.end() ? TSharedPtr<FJsonValue>() : Found->second;
	}
	bool TryGetStringField(const FString& Name, FString& Out) const;
	bool TryGetNumberField(const FString& Name, int32& Out) const;
	bool TryGetObjectField(const FString& Name, const TSharedPtr<FJsonObject>*& Out) const;

	void SetField(const FString& Name, const TSharedPtr<FJsonValue>& Value) { Values[*Name] = Value; }
	void SetStringField(const FString& Name, const FString& Value)
	{
		SetField(Name, MakeShared<FJsonValueString>(Value));
	}
	void SetNumberField(const FString& Name, double Value)
	{
		SetField(Name, MakeShared<FJsonValueNumber>(Value));
	}
	void SetBoolField(const FString& Name, bool Value)
	{
		SetField(Name, MakeShared<FJsonValueBoolean>(Value));
	}
	void SetObjectField(const FString& Name, const TSharedPtr<FJsonObject>& Value)
	{
		SetField(Name, MakeShared<FJsonValueObject>(Value));
	}
	void SetArrayField(const FString& Name, const TArray<TSharedPtr<FJsonValue>>& Value)
	{
		SetField(Name, MakeShared<FJsonValueArray>(Value));
	}

	std::map<std::u16string, TSharedPtr<FJsonValue>> Values;
};
