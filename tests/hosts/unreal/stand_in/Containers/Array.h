// Stand-in for Containers/Array.h of Unreal Engine 5: only what the example uses, so that it is compiled and
// driven without the SDK
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <utility>
#include <vector>

#include "HAL/Platform.h"
#include "Misc/AssertionMacros.h"

template <class T>
class TArray
{
public:
	int32 Num() const { return static_cast<int32>(Elements.size()); }
	T* GetData() { return Elements.data(); }
	const T* GetData() const { return Elements.data(); }
	T& operator[](int32 Index) { return Elements[Checked(Index)]; }
	const T& operator[](int32 Index) const { return Elements[Checked(Index)]; }
	T& Last() { return Elements[Checked(Num() - 1)]; }

	int32 Add(T Element)
	{
		Elements.push_back(std::move(Element));
		return Num() - 1;
	}
	void Append(std::initializer_list<T> More) { Elements.insert(Elements.end(), More); }
	void Append(const T* More, int32 Count) { Elements.insert(Elements.end(), More, More + Count); }
	void Empty() { std::vector<T>().swap(Elements); }
	void Reset() { Elements.clear(); }

	template <class PredicateType>
	int32 RemoveAll(const PredicateType& Predicate)
	{
		const int32 Before = Num();
		Elements.erase(std::remove_if(Elements.begin(), Elements.end(), Predicate), Elements.end());
		return Before - Num();
	}

	template <class PredicateType>
	const T* FindByPredicate(PredicateType Predicate) const
	{
		const auto Found = std::find_if(Elements.begin(), Elements.end(), Predicate);
		return Found == Elements.end() ? nullptr : &*Found;
	}

	auto begin() { return Elements.begin(); }
	auto end() { return Elements.end(); }
	auto begin() const { return Elements.begin(); }
	auto end() const { return Elements.end(); }

private:
	std::size_t Checked(int32 Index) const
	{
		check(Index >= 0 && Index < Num());
		return static_cast<std::size_t>(Index);
	}

	std::vector<T> Elements;
};
