// The lines for a client. Any thread adds lines without waiting; the bridge's thread sends them.
#pragma once

#include "CoreMinimal.h"
#include "HAL/CriticalSection.h"
#include "Misc/ScopeLock.h"
#include "SocketSubsystem.h"
#include "Sockets.h"

#include <string>

class FJobBridgeOutbox
{
public:
	explicit FJobBridgeOutbox(int32 InMaxBytes) : MaxBytes(InMaxBytes) {}

	/** Adds a line that the client waits for. If there is no room for it, because the client has not read for
	 * too long, the client is given up. */
	void AddAnswer(const std::string& Line) { Add(Line, MaxBytes, true); }

	/** Adds a line that may be lost. It is left out if the client reads slowly. */
	void AddNote(const std::string& Line) { Add(Line, MaxBytes / 2, false); }

	/** Closes the outbox. Lines that are added later are dropped. */
	void Close()
	{
		const FScopeLock Lock(&PendingLock);
		bIsClosed = true;
	}

	/** Sends as much as the socket takes now. For the bridge's thread. False: the client is gone or does not
	 * read. */
	bool Send(FSocket& Socket)
	{
		while (true)
		{
			if (NextToSend == Sending.Num())
			{
				Sending.Reset();
				NextToSend = 0;
				const FScopeLock Lock(&PendingLock);
				if (bIsOverfull)
				{
					return false;
				}
				Swap(Sending, Pending);
			}
			if (Sending.Num() == 0)
			{
				return true;
			}
			int32 BytesSent = 0;
			if (!Socket.Send(Sending.GetData() + NextToSend, Sending.Num() - NextToSend, BytesSent))
			{
				return ISocketSubsystem::Get(PLATFORM_SOCKETSUBSYSTEM)->GetLastErrorCode() == SE_EWOULDBLOCK
					&& !IsOverfull();
			}
			NextToSend += FMath::Max(BytesSent, 0);
		}
	}

	/** Whether all lines were sent. For the bridge's thread. */
	bool IsEmpty() const
	{
		const FScopeLock Lock(&PendingLock);
		return NextToSend == Sending.Num() && Pending.Num() == 0;
	}

private:
	void Add(const std::string& Line, int32 Room, bool bIsNeeded)
	{
		const FScopeLock Lock(&PendingLock);
		if (bIsClosed)
		{
			return;
		}
		if (int64(Pending.Num()) + int64(Line.size()) + 1 > Room)
		{
			bIsOverfull = bIsOverfull || bIsNeeded;
			return;
		}
		Pending.Append(reinterpret_cast<const uint8*>(Line.data()), static_cast<int32>(Line.size()));
		Pending.Add(static_cast<uint8>('\n'));
	}

	bool IsOverfull() const
	{
		const FScopeLock Lock(&PendingLock);
		return bIsOverfull;
	}

	mutable FCriticalSection PendingLock;
	TArray<uint8> Pending;
	bool bIsOverfull = false;
	bool bIsClosed = false;
	const int32 MaxBytes;

	// Only the bridge's thread uses these.
	TArray<uint8> Sending;
	int32 NextToSend = 0;
};
