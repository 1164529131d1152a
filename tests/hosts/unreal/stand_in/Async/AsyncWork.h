// Stand-in for Async/AsyncWork.h of Unreal Engine 5: only what the example uses, so that it is compiled and
// driven without the SDK
#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>

#include "CoreMinimal.h"
#include "Misc/QueuedThreadPool.h"

struct TStatId
{
};

#define RETURN_QUICK_DECLARE_CYCLE_STAT(Stat, Group) return TStatId()

class FNonAbandonableTask
{
public:
	bool CanAbandon() const { return false; }
	void Abandon() {}
};

template <class TTask>
class FAsyncTask : private IQueuedWork
{
public:
	template <class... ArgTypes>
	explicit FAsyncTask(ArgTypes&&... Args) : Task(std::forward<ArgTypes>(Args)...)
	{
	}
	~FAsyncTask() override { check(bIsDone); }

	TTask& GetTask() { return Task; }

	void StartBackgroundTask(FQueuedThreadPool* InPool)
	{
		static_cast<void>(Task.GetStatId());
		Pool = InPool;
		Pool->AddQueuedWork(this);
	}

	void EnsureCompletion(bool bDoWorkOnThisThreadIfNotStarted = true)
	{
		if (bDoWorkOnThisThreadIfNotStarted && Pool->RetractQueuedWork(this))
		{
			DoThreadedWork();
		}
		std::unique_lock<std::mutex> Lock(Mutex);
		Done.wait(Lock, [this] { return bIsDone; });
	}

private:
	void DoThreadedWork() override
	{
		Task.DoWork();
		const std::lock_guard<std::mutex> Lock(Mutex);
		bIsDone = true;
		Done.notify_all();
	}
	void Abandon() override { DoThreadedWork(); }

	TTask Task;
	FQueuedThreadPool* Pool = nullptr;
	std::mutex Mutex;
	std::condition_variable Done;
	bool bIsDone = false;
};
