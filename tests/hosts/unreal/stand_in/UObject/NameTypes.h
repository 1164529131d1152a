// Stand-in for UObject/NameTypes.h of Unreal Engine 5: only what the example uses, so that it is compiled and
// driven without the SDK
#pragma once

/** A name that is compared by where it lies: only the few below exist. */
using FName = const char*;

inline constexpr FName NAME_None = nullptr;
inline constexpr FName NAME_Stream = "Stream";
