// Stand-in for Containers/UnrealString.h of Unreal Engine 5: only what the example uses, so that it is
// compiled and driven without the SDK
#pragma once

#include <initializer_list>
#include <string>

#include "HAL/Platform.h"

/** What Printf takes: as Unreal's, no FString. */
class FStandInArgument
{
public:
	FStandInArgument(const TCHAR* InText) : Text(InText) {}
	FStandInArgument(int32 Value) : Integer(Value) {}
	FStandInArgument(uint32 Value) : Integer(Value) {}
	FStandInArgument(int64 Value) : Integer(Value) {}

	const TCHAR* Text = nullptr;
	int64 Integer = 0;
};

class FString
{
public:
	FString() = default;
	FString(const TCHAR* InText) : Text(InText) {}

	static FString ConstructFromPtrSize(const TCHAR* Begin, int32 Count)
	{
		FString Result;
		Result.Text.assign(Begin, static_cast<std::size_t>(Count));
		return Result;
	}

	template <class... ArgTypes>
	static FString Printf(const TCHAR* Format, ArgTypes... Args)
	{
		return Formatted(Format, {FStandInArgument(Args)...});
	}
	static FString Formatted(const TCHAR* Format, std::initializer_list<FStandInArgument> Args);

	int32 Len() const { return static_cast<int32>(Text.size()); }
	const TCHAR* operator*() const { return Text.c_str(); }
	TCHAR operator[](int32 Index) const { return Text[static_cast<std::size_t>(Index)]; }
	bool StartsWith(const FString& Start) const
	{
		return Text.compare(0, Start.Text.size(), Start.Text) == 0;
	}
	FString& operator+=(const FString& More)
	{
		Text += More.Text;
		return *this;
	}

	friend FString operator+(FString Left, const FString& Right) { return Left += Right; }
	// Unreal's does not look at case either.
	friend bool operator==(const FString& Left, const FString& Right)
	{
		return Lower(Left.Text) == Lower(Right.Text);
	}

private:
	static std::u16string Lower(std::u16string Word)
	{
		for (TCHAR& Letter : Word)
		{
			Letter = Letter >= u'A' && Letter <= u'Z' ? static_cast<TCHAR>(Letter + 32) : Letter;
		}
		return Word;
	}

	std::u16string Text;
};

/** Replaces what is no UTF-8 by question marks. */
class FUTF8ToTCHAR
{
public:
	FUTF8ToTCHAR(const char* Begin, int32 Count);
	const TCHAR* Get() const { return Text.c_str(); }
	int32 Length() const { return static_cast<int32>(Text.size()); }

private:
	std::u16string Text;
};

class FTCHARToUTF8
{
public:
	FTCHARToUTF8(const TCHAR* Begin)
		: FTCHARToUTF8(Begin, static_cast<int32>(std::char_traits<TCHAR>::length(Begin)))
	{
	}
	FTCHARToUTF8(const TCHAR* Begin, int32 Count);
	const char* Get() const { return Text.c_str(); }
	int32 Length() const { return static_cast<int32>(Text.size()); }

private:
	std::string Text;
};

struct FCString
{
	static int32 Atoi(const TCHAR* Text);
};
