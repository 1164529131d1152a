// Stand-in for Misc/Optional.h of Unreal Engine 5: only what the example uses, so that it is compiled and
// driven without the SDK
#pragma once

#include <optional>
#include <utility>

template <class T>
class TOptional
{
public:
	TOptional() = default;
	TOptional(const T& InValue) : Value(InValue) {}
	TOptional(T&& InValue) : Value(std::move(InValue)) {}

	bool IsSet() const { return Value.has_value(); }
	const T& operator*() const { return *Value; }

private:
	std::optional<T> Value;
};
