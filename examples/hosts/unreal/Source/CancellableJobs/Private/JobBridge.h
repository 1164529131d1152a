// Lets the adapters of agents in: through it an MCP server in another process runs, follows and cancels jobs.
//
// It listens on loopback only, on a port that the system chooses. A client must know the secret, so it must
// be able to read the secret's file. The bridge is off unless [CancellableJobs] has bBridge=True.
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

	/** Ends the bridge's thread. That cancels the jobs of the clients, and does not wait for them. */
	virtual ~FJobBridge() override;

	/** False: there is no bridge, and the log says why. */
	bool Open();

	// These are FRunnable's. They run on the bridge's thread.
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
