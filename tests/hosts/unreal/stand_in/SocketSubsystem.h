// Stand-in for SocketSubsystem.h of Unreal Engine 5: only what the example uses, so that it is compiled and
// driven without the SDK
#pragma once

#include "CoreMinimal.h"

class FSocket;

enum ESocketErrors { SE_NO_ERROR, SE_EWOULDBLOCK, SE_EINVAL };

#define PLATFORM_SOCKETSUBSYSTEM "Platform"

class ISocketSubsystem
{
public:
	static ISocketSubsystem* Get(const FName& SubsystemName = NAME_None);
	virtual ~ISocketSubsystem() = default;

	virtual FSocket* CreateSocket(
		const FName& SocketType, const FString& SocketDescription, const FName& ProtocolType) = 0;
	virtual void DestroySocket(FSocket* Socket) = 0;
	virtual ESocketErrors GetLastErrorCode() = 0;
};
