// Stand-in for Dom/JsonValue.h of Unreal Engine 5: only what the example uses, so that it is compiled and
// driven without the SDK
#pragma once

#include "CoreMinimal.h"

class FJsonObject;

enum class EJson { None, Null, String, Number, Boolean, Array, Object };

class FJsonValue
{
public:
	virtual ~FJsonValue() = default;

	double AsNumber() const { return Number; }
	const FString& AsString() const { return Text; }

	EJson Type;
	double Number = 0.0;
	bool bTruth = false;
	FString Text;
	TArray<TSharedPtr<FJsonValue>> Array;
	TSharedPtr<FJsonObject> Object;

protected:
	explicit FJsonValue(EJson InType) : Type(InType) {}
};

struct FJsonValueNull : FJsonValue
{
	FJsonValueNull() : FJsonValue(EJson::Null) {}
};
struct FJsonValueNumber : FJsonValue
{
	explicit FJsonValueNumber(double Value) : FJsonValue(EJson::Number) { Number = Value; }
};
struct FJsonValueString : FJsonValue
{
	explicit FJsonValueString(const FString& Value) : FJsonValue(EJson::String) { Text = Value; }
};
struct FJsonValueBoolean : FJsonValue
{
	explicit FJsonValueBoolean(bool Value) : FJsonValue(EJson::Boolean) { bTruth = Value; }
};
struct FJsonValueArray : FJsonValue
{
	explicit FJsonValueArray(const TArray<TSharedPtr<FJsonValue>>& Value) : FJsonValue(EJson::Array)
	{
		Array = Value;
	}
};
struct FJsonValueObject : FJsonValue
{
	explicit FJsonValueObject(const TSharedPtr<FJsonObject>& Value) : FJsonValue(EJson::Object)
	{
		Object = Value;
	}
};
