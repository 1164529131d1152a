// Stand-in for HAL/RunnableThread.h of Unreal Engine 5: only what the example uses, so that it is compiled
// and driven without the SDK
#pragma once

#include "CoreMinimal.h"
#include "HAL/Runnable.h"

enum EThreadPriority { TPri_Normal, TPri_BelowNormal };

class FRunnableThread
{
public:
	static FRunnableThread* Create(
		FRunnable* Runnable, const TCHAR* Name, uint32 StackSize = 0, EThreadPriority Priority = TPri_Normal);
	virtual ~FRunnableThread() = default;

	/** Asks the runnable to stop, and waits until it did. */
	virtual bool Kill(bool bShouldWait = true) = 0;
	virtual void WaitForCompletion() = 0;
};
