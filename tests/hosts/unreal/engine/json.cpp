// The stand-in's JSON, over nlohmann-json.
#include <cmath>
#include <nlohmann/json.hpp>

#include "Serialization/JsonSerializer.h"
#include "engine.hpp"

namespace {

FString text_of(const std::string &text)
{
    const FUTF8ToTCHAR converted(text.data(), static_cast<int32>(text.size()));
    return FString::ConstructFromPtrSize(converted.Get(), converted.Length());
}

std::string utf8_of(const FString &text)
{
    const FTCHARToUTF8 converted(*text, text.Len());
    return {converted.Get(), static_cast<std::size_t>(converted.Length())};
}

TSharedRef<FJsonObject> object_from(const nlohmann::json &value);

TSharedPtr<FJsonValue> value_from(const nlohmann::json &value)
{
    if (value.is_string())
        return MakeShared<FJsonValueString>(text_of(value.get<std::string>()));
    if (value.is_number())
        return MakeShared<FJsonValueNumber>(value.get<double>());
    if (value.is_boolean())
        return MakeShared<FJsonValueBoolean>(value.get<bool>());
    if (value.is_object())
        return MakeShared<FJsonValueObject>(object_from(value));
    if (!value.is_array())
        return MakeShared<FJsonValueNull>();
    TArray<TSharedPtr<FJsonValue>> elements;
    for (const nlohmann::json &element : value)
        elements.Add(value_from(element));
    return MakeShared<FJsonValueArray>(elements);
}

TSharedRef<FJsonObject> object_from(const nlohmann::json &value)
{
    const TSharedRef<FJsonObject> object = MakeShared<FJsonObject>();
    for (const auto &[name, member] : value.items())
        object->SetField(text_of(name), value_from(member));
    return object;
}

nlohmann::json json_from(const FJsonObject &object);

nlohmann::json json_from(const FJsonValue &value)
{
    switch (value.Type) {
    case EJson::String:
        return utf8_of(value.Text);
    case EJson::Number: // Unreal writes whole numbers without a point
        if (value.Number == std::floor(value.Number) && std::abs(value.Number) < 1e15)
            return static_cast<std::int64_t>(value.Number);
        return value.Number;
    case EJson::Boolean:
        return value.bTruth;
    case EJson::Object:
        return json_from(*value.Object);
    case EJson::Array: {
        nlohmann::json elements = nlohmann::json::array();
        for (const TSharedPtr<FJsonValue> &element : value.Array)
            elements.push_back(json_from(*element));
        return elements;
    }
    default:
        return nullptr;
    }
}

nlohmann::json json_from(const FJsonObject &object)
{
    nlohmann::json members = nlohmann::json::object();
    for (const auto &[name, value] : object.Values)
        members[stand_in::utf8(name.c_str())] = json_from(*value);
    return members;
}

} // namespace

bool FJsonObject::TryGetStringField(const FString &Name, FString &Out) const
{
    const TSharedPtr<FJsonValue> value = TryGetField(Name);
    if (!value.IsValid() || value->Type != EJson::String)
        return false;
    Out = value->Text;
    return true;
}

bool FJsonObject::TryGetNumberField(const FString &Name, int32 &Out) const
{
    const TSharedPtr<FJsonValue> value = TryGetField(Name);
    if (!value.IsValid() || value->Type != EJson::Number || std::abs(value->Number) > INT32_MAX)
        return false;
    Out = static_cast<int32>(value->Number);
    return true;
}

bool FJsonObject::TryGetObjectField(const FString &Name, const TSharedPtr<FJsonObject> *&Out) const
{
    const auto found = Values.find(*Name);
    if (found == Values.end() || found->second->Type != EJson::Object)
        return false;
    Out = &found->second->Object;
    return true;
}

bool FJsonSerializer::Deserialize(const TSharedRef<TJsonReader<>> &Reader, TSharedPtr<FJsonObject> &OutObject)
{
    const nlohmann::json parsed = nlohmann::json::parse(utf8_of(Reader->Text), nullptr, false);
    if (!parsed.is_object())
        return false;
    OutObject = object_from(parsed);
    return true;
}

bool FJsonSerializer::Serialize(const TSharedRef<FJsonObject> &Object,
    const TSharedRef<TJsonWriter<TCHAR, TCondensedJsonPrintPolicy<TCHAR>>> &Writer, bool)
{
    *Writer->Out = text_of(json_from(*Object).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return true;
}
