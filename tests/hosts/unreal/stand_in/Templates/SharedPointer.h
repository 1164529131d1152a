// Stand-in for Templates/SharedPointer.h of Unreal Engine 5: only what the example uses, so that it is
// compiled and driven without the SDK
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "Misc/AssertionMacros.h"

enum class ESPMode { NotThreadSafe, ThreadSafe };

template <class T, ESPMode Mode = ESPMode::ThreadSafe> class TSharedRef;
template <class T, ESPMode Mode = ESPMode::ThreadSafe> class TWeakPtr;

template <class T, ESPMode Mode = ESPMode::ThreadSafe>
class TSharedPtr
{
public:
	TSharedPtr() = default;
	TSharedPtr(std::nullptr_t) {}
	template <class U, class = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TSharedPtr(const TSharedPtr<U, Mode>& Other) : Pointer(Other.Pointer) {}
	template <class U, class = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TSharedPtr(const TSharedRef<U, Mode>& Other) : Pointer(Other.Pointer) {}

	bool IsValid() const { return Pointer != nullptr; }
	explicit operator bool() const { return IsValid(); }
	T* Get() const { return Pointer.get(); }
	T* operator->() const { return Pointer.get(); }
	T& operator*() const { return *Pointer; }
	void Reset() { Pointer.reset(); }

private:
	template <class, ESPMode> friend class TSharedPtr;
	template <class, ESPMode> friend class TSharedRef;
	template <class, ESPMode> friend class TWeakPtr;

	std::shared_ptr<T> Pointer;
};

template <class T, ESPMode Mode>
class TSharedRef
{
public:
	template <class U, class = std::enable_if_t<std::is_convertible_v<U*, T*>>>
	TSharedRef(const TSharedRef<U, Mode>& Other) : Pointer(Other.Pointer) {}

	/** Of MakeShared. */
	explicit TSharedRef(std::shared_ptr<T> Object) : Pointer(std::move(Object)) { check(Pointer != nullptr); }

	T& Get() const { return *Pointer; }
	T* operator->() const { return Pointer.get(); }
	T& operator*() const { return *Pointer; }

private:
	template <class, ESPMode> friend class TSharedPtr;
	template <class, ESPMode> friend class TSharedRef;
	template <class, ESPMode> friend class TWeakPtr;

	std::shared_ptr<T> Pointer;
};

template <class T, ESPMode Mode>
class TWeakPtr
{
public:
	TWeakPtr() = default;
	TWeakPtr(const TSharedRef<T, Mode>& Other) : Pointer(Other.Pointer) {}
	TWeakPtr(const TSharedPtr<T, Mode>& Other) : Pointer(Other.Pointer) {}

	bool IsValid() const { return !Pointer.expired(); }
	void Reset() { Pointer.reset(); }
	TSharedPtr<T, Mode> Pin() const
	{
		TSharedPtr<T, Mode> Pinned;
		Pinned.Pointer = Pointer.lock();
		return Pinned;
	}

private:
	std::weak_ptr<T> Pointer;
};

template <class T, ESPMode Mode = ESPMode::ThreadSafe, class... ArgTypes>
TSharedRef<T, Mode> MakeShared(ArgTypes&&... Args)
{
	return TSharedRef<T, Mode>(std::make_shared<T>(std::forward<ArgTypes>(Args)...));
}
