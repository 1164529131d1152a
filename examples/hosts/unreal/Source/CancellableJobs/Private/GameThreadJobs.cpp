#include "GameThreadJobs.h"

#include "HAL/PlatformMisc.h"
#include "HAL/PlatformProcess.h"
#include "HAL/PlatformTime.h"

namespace
{
	/** Runs one job of the dispatcher on a thread of the pool. */
	class FPoolTask : public IQueuedWork
	{
	public:
		explicit FPoolTask(dcc::pool_task InTask) : Task(InTask) {}

		virtual void DoThreadedWork() override
		{
			Task();
			delete this;
		}

		// The dispatcher waits for this call, so it is made even if the pool drops the work.
		virtual void Abandon() override { DoThreadedWork(); }

	private:
		dcc::pool_task Task;
	};
}

bool FGameThreadJobs::Start(double BudgetMilliseconds)
{
	check(IsInGameThread());
	Budget = std::chrono::duration<double, std::milli>(BudgetMilliseconds);

	// A pool of our own and not Unreal's, because its threads must be joined before the module is unloaded.
	Pool.Reset(FQueuedThreadPool::Allocate());
	const int32 NumThreads = FMath::Clamp(FPlatformMisc::NumberOfCoresIncludingHyperthreads() - 2, 2, 8);
	const bool bHasPool =
		Pool->Create(static_cast<uint32>(NumThreads), 256 * 1024, TPri_BelowNormal, TEXT("CancellableJobs"));

	dcc::dispatcher_options Options;
	Options.capacity = 64;
	Options.owner = &Owner;
	Options.execute = [Threads = Pool.Get()](dcc::pool_task Task) {
		Threads->AddQueuedWork(new FPoolTask(Task));
		return true;
	};
	if (!bHasPool || dcc::owner::try_create(Owner) < 0
		|| dcc::dispatcher::try_create(Dispatcher, MoveTemp(Options)) < 0)
	{
		UE_LOG(LogCancellableJobs, Error, TEXT("jobs cannot run: %s"),
			bHasPool ? *DccCancel::LastError() : TEXT("no threads"));
		Stop();
		return false;
	}
	TickerHandle =
		FTSTicker::GetCoreTicker().AddTicker(FTickerDelegate::CreateRaw(this, &FGameThreadJobs::Tick));
	return true;
}

bool FGameThreadJobs::Tick(float /*DeltaTime*/)
{
	if (bIsPumping)
	{
		return true; // a job shows a dialog, and the loop of the dialog ticks
	}
	bIsPumping = true;
	const dcc::tick Done = Dispatcher.pump(Budget);
	bIsPumping = false;
	if (Done.status < 0)
	{
		UE_LOG(LogCancellableJobs, Error, TEXT("jobs are not run any more: %s"), *DccCancel::LastError());
		return false; // removes this function from the ticker
	}
	return true;
}

void FGameThreadJobs::Stop()
{
	check(IsInGameThread());
	if (!ensureMsgf(!bIsPumping,
			TEXT("CancellableJobs is stopped from inside one of its own jobs, which cannot end before this "
				 "returns")))
	{
		return;
	}

	FTSTicker::RemoveTicker(TickerHandle);
	TickerHandle.Reset();

	// Completions run in here. Jobs on other threads stop at their next poll.
	double NextWarning = FPlatformTime::Seconds() + 5.0;
	while (Dispatcher.close() == DCC_PENDING)
	{
		FPlatformProcess::Sleep(0.001f);
		if (FPlatformTime::Seconds() > NextWarning)
		{
			UE_LOG(LogCancellableJobs, Warning,
				TEXT("waiting for a job that was asked to stop and does not poll"));
			NextWarning += 5.0;
		}
	}
	if (Pool)
	{
		Pool->Destroy(); // joins its threads
		Pool.Reset();
	}
	Owner.close();
	Dispatcher = dcc::dispatcher();
}
