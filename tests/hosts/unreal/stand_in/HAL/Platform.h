// Stand-in for HAL/Platform.h of Unreal Engine 5: only what the example uses, so that it is compiled and
// driven without the SDK
#pragma once

#include <cstdint>

#ifndef PLATFORM_WINDOWS
#define PLATFORM_WINDOWS 0
#endif
#define PLATFORM_UNIX (!PLATFORM_WINDOWS)
#define PLATFORM_MAC 0

using int8 = std::int8_t;
using int32 = std::int32_t;
using int64 = long long;
using uint8 = std::uint8_t;
using uint16 = std::uint16_t;
using uint32 = std::uint32_t;
using uint64 = unsigned long long;

// As on Linux; on Windows it is wchar_t.
using TCHAR = char16_t;
#define TEXT(x) u##x

#define FORCEINLINE inline
#define THIRD_PARTY_INCLUDES_START
#define THIRD_PARTY_INCLUDES_END
// With modules in libraries of their own, as in the editor.
#define DLLEXPORT __attribute__((visibility("default")))
// Macros of Unreal's and of systems' headers that others' headers have to live with.
#define PI (3.1415926535897932f)
#define UPROPERTY(...)
#define UFUNCTION(...)
#define GENERATED_BODY(...)
#define NSLOCTEXT(Namespace, Key, Text) FText::FromString(TEXT(Text))
