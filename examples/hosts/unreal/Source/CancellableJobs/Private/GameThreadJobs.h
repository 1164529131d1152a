// The game thread's queue of jobs, pumped by the core ticker, and the threads for jobs that need no game
// thread.
#pragma once

#include "CoreMinimal.h"
#include "Containers/Ticker.h"
#include "Misc/QueuedThreadPool.h"

#include "DccCancel.h"

/** Started and stopped on the game thread. */
class FGameThreadJobs
{
public:
	/** `BudgetMilliseconds` is how much of each frame jobs may have. */
	bool Start(double BudgetMilliseconds);

	/**
	 * Ends what waits, asks what runs to stop, and waits for it: every completion has run when this returns,
	 * and no thread is left in this module's code.
	 */
	void Stop();

	/** Whether the game thread is in one of the jobs, so that Stop cannot be called. */
	bool IsInsideJob() const { return bIsPumping; }

	/** Posts may come from any thread, while it is started. */
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
