// Stand-in for Templates/UniquePtr.h of Unreal Engine 5: only what the example uses, so that it is compiled
// and driven without the SDK
#pragma once

#include <memory>
#include <utility>

template <class T>
class TUniquePtr
{
public:
	TUniquePtr() = default;
	explicit TUniquePtr(T* Object) : Pointer(Object) {}

	explicit operator bool() const { return IsValid(); }
	bool IsValid() const { return Pointer != nullptr; }
	T* Get() const { return Pointer.get(); }
	T* operator->() const { return Pointer.get(); }
	T& operator*() const { return *Pointer; }
	void Reset(T* Object = nullptr) { Pointer.reset(Object); }

private:
	std::unique_ptr<T> Pointer;
};

template <class T, class... ArgTypes>
TUniquePtr<T> MakeUnique(ArgTypes&&... Args)
{
	return TUniquePtr<T>(new T(std::forward<ArgTypes>(Args)...));
}
