// The queue of jobs for the game thread, which the core ticker pumps, and the threads for jobs that do not
// need the game thread.
#pragma once

#include "CoreMinimal.h"
#include "Containers/Ticker.h"
#include "Misc/QueuedThreadPool.h"

#include "DccCancel.h"

/** Start and stop it on the game thread. */
class FGameThreadJobs
{
public:
	/** `BudgetMilliseconds` is how much of each frame jobs may use. */
	bool Start(double BudgetMilliseconds);

	/**
	 * Ends the jobs that wait, asks the jobs that run to stop, and waits for them. When this returns, every
	 * completion has run, and no thread is inside the code of this module.
	 */
	void Stop();

	/** Whether the game thread is inside one of the jobs, so that Stop cannot be called. */
	bool IsInsideJob() const { return bIsPumping; }

	/** Any thread may post while it is started. */
	const dcc::dispatcher& GetDispatcher() const { return Dispatcher; }
	const dcc::owner& GetOwner() const { return Owner; }
	FQueuedThreadPool& GetPool() const { return *Pool; }

private:
	bool Tick(float DeltaTime);

	dcc::owner Owner;
	dcc::dispatcher Dispatcher;
	TUniquePtr<FQueuedThreadPool> Pool;
	FTSTicker::FDelegateHandle TickerHandle;
	std::chrono::duration<double, std::milli> Budget{0};
	bool bIsPumping = false;
};
