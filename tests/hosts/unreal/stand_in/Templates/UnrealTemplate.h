// Stand-in for Templates/UnrealTemplate.h of Unreal Engine 5: only what the example uses, so that it is
// compiled and driven without the SDK
#pragma once

#include <type_traits>
#include <utility>

template <class T>
constexpr std::remove_reference_t<T>&& MoveTemp(T&& Object) noexcept
{
	return static_cast<std::remove_reference_t<T>&&>(Object);
}

template <class T>
constexpr T&& Forward(std::remove_reference_t<T>& Object) noexcept
{
	return static_cast<T&&>(Object);
}

template <class T>
void Swap(T& Left, T& Right)
{
	std::swap(Left, Right);
}
