#include "JobBridgeSecret.h"

#include "HAL/FileManager.h"
#include "HAL/PlatformProcess.h"
#include "Misc/FileHelper.h"
#include "Misc/Paths.h"

#include <random>

#if PLATFORM_UNIX || PLATFORM_MAC
#include <fcntl.h>
#include <unistd.h>
#endif

namespace
{
	FString RandomHex(int32 NumWords)
	{
		// This is random data of the system with each of Unreal's standard libraries. Numbers of FMath and
		// FGuid could be guessed.
		std::random_device Random;
		FString Hex;
		for (int32 Word = 0; Word < NumWords; ++Word)
		{
			Hex += FString::Printf(TEXT("%08x"), static_cast<uint32>(Random()));
		}
		return Hex;
	}

	/** Writes a new file that other users cannot read at any moment. */
	bool WritePrivateFile(const FString& Path, const FString& Text)
	{
#if PLATFORM_UNIX || PLATFORM_MAC
		const FTCHARToUTF8 Name(*Path);
		const FTCHARToUTF8 Bytes(*Text);
		const int File =
			open(Name.Get(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
		if (File < 0)
		{
			return false;
		}
		const bool bIsWritten =
			write(File, Bytes.Get(), static_cast<size_t>(Bytes.Length())) == Bytes.Length();
		return close(File) == 0 && bIsWritten;
#else
		// The folder is below %LOCALAPPDATA%. Only this user and administrators may read it, and its files
		// inherit that.
		return FFileHelper::SaveStringToFile(Text, *Path, FFileHelper::EEncodingOptions::ForceUTF8WithoutBOM);
#endif
	}
}

FJobBridgeSecret::FJobBridgeSecret()
	: Secret(RandomHex(8))
	// Not in the project's Saved folder, because projects lie on shared disks.
	, Path(FPaths::Combine(FString(FPlatformProcess::UserSettingsDir()), TEXT("CancellableJobs"),
		  FString::Printf(TEXT("%u.json"), FPlatformProcess::GetCurrentProcessId())))
{
}

FJobBridgeSecret::~FJobBridgeSecret()
{
	IFileManager::Get().Delete(*Path, /*RequireExists=*/false, /*EvenReadOnly=*/false, /*Quiet=*/true);
}

bool FJobBridgeSecret::WriteFile(int32 Port)
{
	IFileManager& Files = IFileManager::Get();
	Files.MakeDirectory(*FPaths::GetPath(Path), /*Tree=*/true);
	const FString Text = FString::Printf(TEXT("{\"port\":%d,\"secret\":\"%s\",\"process\":%u}\n"), Port,
		*Secret, FPlatformProcess::GetCurrentProcessId());
	// The file gets its name only when it is complete. The file of a process that crashed is replaced.
	const FString Unfinished = Path + TEXT(".new");
	Files.Delete(*Unfinished, /*RequireExists=*/false, /*EvenReadOnly=*/false, /*Quiet=*/true);
	return WritePrivateFile(Unfinished, Text) && Files.Move(*Path, *Unfinished);
}

bool FJobBridgeSecret::IsRight(const FString& Shown) const
{
	if (Shown.Len() != Secret.Len())
	{
		return false;
	}
	uint32 Difference = 0;
	for (int32 At = 0; At < Secret.Len(); ++At)
	{
		Difference |= static_cast<uint32>(Shown[At]) ^ static_cast<uint32>(Secret[At]);
	}
	return Difference == 0;
}
