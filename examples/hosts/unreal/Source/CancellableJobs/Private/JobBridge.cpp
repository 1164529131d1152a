#include "JobBridge.h"

#include "HAL/PlatformProcess.h"
#include "HAL/RunnableThread.h"
#include "Interfaces/IPv4/IPv4Address.h"
#include "Interfaces/IPv4/IPv4Endpoint.h"
#include "SocketSubsystem.h"
#include "Sockets.h"

namespace
{
	/** How long an answer of another thread may wait until it is sent. A message on a socket wakes the
	 * bridge's thread at once. */
	const FTimespan ClientInterval = FTimespan::FromMilliseconds(4);
	/** Without clients the thread looks in this interval whether it has to end. */
	const FTimespan ListenInterval = FTimespan::FromMilliseconds(50);
}

FJobBridge::FJobBridge(const FJobBridgeSettings& Settings, const FGameThreadJobs& Jobs, FSmoothingRuns& Runs)
	: Context{Settings, Secret, Jobs, Runs}
{
}

FJobBridge::~FJobBridge()
{
	if (Thread)
	{
		Thread->Kill(/*bShouldWait=*/true);
	}
	Clients.Empty();
	if (Listener != nullptr)
	{
		Listener->Close();
		ISocketSubsystem::Get(PLATFORM_SOCKETSUBSYSTEM)->DestroySocket(Listener);
	}
}

bool FJobBridge::Open()
{
	// Other machines cannot reach a loopback address. Port 0 is any free port.
	const TSharedRef<FInternetAddr> Loopback =
		FIPv4Endpoint(FIPv4Address::InternalLoopback, 0).ToInternetAddrIPV4();
	ISocketSubsystem* Sockets = ISocketSubsystem::Get(PLATFORM_SOCKETSUBSYSTEM);
	Listener =
		Sockets->CreateSocket(NAME_Stream, TEXT("CancellableJobs bridge"), Loopback->GetProtocolType());
	if (Listener == nullptr || !Listener->Bind(*Loopback) || !Listener->SetNonBlocking(true)
		|| !Listener->Listen(8))
	{
		UE_LOG(LogCancellableJobs, Error, TEXT("no bridge: 127.0.0.1 has no port for it"));
		return false;
	}
	if (!Secret.WriteFile(Listener->GetPortNo()))
	{
		UE_LOG(LogCancellableJobs, Error, TEXT("no bridge: %s cannot be written; is its folder this user's?"),
			*Secret.GetPath());
		return false;
	}
	Thread.Reset(FRunnableThread::Create(this, TEXT("CancellableJobs bridge"), 256 * 1024));
	if (!Thread)
	{
		UE_LOG(LogCancellableJobs, Error, TEXT("no bridge: its thread cannot be started"));
		return false;
	}
	UE_LOG(LogCancellableJobs, Log, TEXT("bridge on 127.0.0.1:%d; its secret is in %s"),
		Listener->GetPortNo(), *Secret.GetPath());
	return true;
}

uint32 FJobBridge::Run()
{
	while (!bIsStopping)
	{
		Accept();
		Clients.RemoveAll([](const TUniquePtr<FJobBridgeClient>& Client) { return !Client->Tick(); });
		WaitForWork();
	}
	Clients.Empty();
	return 0;
}

void FJobBridge::Accept()
{
	bool bIsPending = false;
	while (Listener->HasPendingConnection(bIsPending) && bIsPending)
	{
		FSocket* Socket = Listener->Accept(TEXT("CancellableJobs client"));
		if (Socket == nullptr)
		{
			return; // the client is gone already
		}
		int32 NumServed = 0;
		for (const TUniquePtr<FJobBridgeClient>& Client : Clients)
		{
			NumServed += Client->IsRefused() ? 0 : 1;
		}
		const int32 MaxClients = Context.Settings.MaxClients;
		// As many clients again are told that there are too many. Further ones are closed without a word.
		if (Clients.Num() >= 2 * MaxClients)
		{
			Socket->Close();
			ISocketSubsystem::Get(PLATFORM_SOCKETSUBSYSTEM)->DestroySocket(Socket);
			continue;
		}
		Clients.Add(MakeUnique<FJobBridgeClient>(Socket, Context));
		if (NumServed >= MaxClients)
		{
			Clients.Last()->Refuse(JobBridge::EErrorCode::Bound,
				FString::Printf(TEXT("%d clients are connected, and no more may be"), NumServed));
		}
	}
}

void FJobBridge::WaitForWork()
{
	if (Clients.Num() == 0)
	{
		bool bIsPending = false;
		Listener->WaitForPendingConnection(bIsPending, ListenInterval);
	}
	else if (Clients.Num() == 1 && !Clients[0]->IsRefused())
	{
		Clients[0]->WaitForInput(ClientInterval);
	}
	else
	{
		FPlatformProcess::Sleep(static_cast<float>(ClientInterval.GetTotalSeconds()));
	}
}
