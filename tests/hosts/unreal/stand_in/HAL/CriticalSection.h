// Stand-in for HAL/CriticalSection.h of Unreal Engine 5: only what the example uses, so that it is compiled
// and driven without the SDK
#pragma once

#include <mutex>

class FCriticalSection
{
public:
	void Lock() { Mutex.lock(); }
	void Unlock() { Mutex.unlock(); }

private:
	std::recursive_mutex Mutex;
};
