// Stand-in for Sockets.h of Unreal Engine 5: only what the example uses, so that it is compiled and driven
// without the SDK
#pragma once

#include "CoreMinimal.h"
#include "IPAddress.h"

namespace ESocketWaitConditions
{
	enum Type { WaitForRead, WaitForWrite, WaitForReadOrWrite };
}
namespace ESocketReceiveFlags
{
	enum Type { None };
}
enum class ESocketShutdownMode { Read, Write, ReadWrite };

/** A TCP socket of the system. */
class FSocket
{
public:
	explicit FSocket(int InDescriptor) : Descriptor(InDescriptor) {}
	virtual ~FSocket() { Close(); }
	FSocket(const FSocket&) = delete;
	FSocket& operator=(const FSocket&) = delete;

	virtual bool Bind(const FInternetAddr& Address);
	virtual bool Listen(int32 MaxBacklog);
	virtual bool HasPendingConnection(bool& bHasPendingConnection);
	virtual bool WaitForPendingConnection(bool& bHasPendingConnection, const FTimespan& WaitTime);
	virtual FSocket* Accept(const FString& Description);
	/** False: over, or broken. True with nothing read: nothing is there. */
	virtual bool Recv(uint8* Data, int32 BufferSize, int32& BytesRead,
		ESocketReceiveFlags::Type Flags = ESocketReceiveFlags::None);
	virtual bool Send(const uint8* Data, int32 Count, int32& BytesSent);
	virtual bool Wait(ESocketWaitConditions::Type Condition, FTimespan WaitTime);
	virtual bool SetNonBlocking(bool bIsNonBlocking = true);
	virtual bool SetNoDelay(bool bIsNoDelay = true);
	virtual bool Shutdown(ESocketShutdownMode Mode);
	virtual bool Close();
	virtual int32 GetPortNo();

private:
	int Descriptor;
};
