// Stand-in for Misc/QueuedThreadPool.h of Unreal Engine 5: only what the example uses, so that it is compiled
// and driven without the SDK
#pragma once

#include "CoreMinimal.h"
#include "HAL/RunnableThread.h"

class IQueuedWork
{
public:
	virtual ~IQueuedWork() = default;
	virtual void DoThreadedWork() = 0;
	virtual void Abandon() = 0;
};

class FQueuedThreadPool
{
public:
	static FQueuedThreadPool* Allocate();
	virtual ~FQueuedThreadPool() = default;

	virtual bool Create(uint32 NumQueuedThreads, uint32 StackSize = 32 * 1024,
		EThreadPriority Priority = TPri_Normal, const TCHAR* Name = TEXT("UnknownThreadPool")) = 0;
	/** Abandons what waits and joins the threads. */
	virtual void Destroy() = 0;
	virtual void AddQueuedWork(IQueuedWork* Work) = 0;
	/** True: the work was still queued, and will not run. */
	virtual bool RetractQueuedWork(IQueuedWork* Work) = 0;
	virtual int32 GetNumThreads() const = 0;
};
