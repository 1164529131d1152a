// What is on its way to a client: lines are added on any thread without waiting for it, sent on the bridge's.
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

	/** A line that its client waits for. One that does not read for so long that there is no room is
	 * given up. */
	void AddAnswer(const std::string& Line) { Add(Line, MaxBytes, true); }

	/** A line that may be left out, and is, where the client reads slowly. */
	void AddNote(const std::string& Line) { Add(Line, MaxBytes / 2, false); }

	/** There is no more to say: what is added from now on goes nowhere. */
	void Close()
	{
		const FScopeLock Lock(&PendingLock);
		bIsClosed = true;
	}

	/** Of the bridge's thread: sends as much as the socket takes now. False: the client is gone or does
	 * not read. */
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

	/** Of the bridge's thread: whether all has been sent. */
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

	// Of the bridge's thread.
	TArray<uint8> Sending;
	int32 NextToSend = 0;
};
