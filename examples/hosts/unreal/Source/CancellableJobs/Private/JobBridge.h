// A door for the adapters of agents: an MCP server in another process runs, follows and cancels jobs over it.
//
// On loopback only, on a port that the system chooses, for who can read the secret's file; off unless
// [CancellableJobs] bBridge=True says so.
#pragma once

#include "CoreMinimal.h"
#include "HAL/Runnable.h"

#include <atomic>

#include "JobBridgeClient.h"
#include "JobBridgeSecret.h"

class FRunnableThread;

class FJobBridge : public FRunnable
{
public:
	FJobBridge(const FJobBridgeSettings& Settings, const FGameThreadJobs& Jobs, FSmoothingRuns& Runs);

	/** Ends its thread, which cancels what the clients asked for and waits for none of it. */
	virtual ~FJobBridge() override;

	/** False, and said in the log: there is no bridge. */
	bool Open();

	// FRunnable, on the bridge's thread.
	virtual uint32 Run() override;
	virtual void Stop() override { bIsStopping = true; }

private:
	void Accept();
	void WaitForWork();

	FJobBridgeSecret Secret;
	const FJobBridgeContext Context;
	FSocket* Listener = nullptr;
	TUniquePtr<FRunnableThread> Thread;
	TArray<TUniquePtr<FJobBridgeClient>> Clients;
	std::atomic<bool> bIsStopping{false};
};
