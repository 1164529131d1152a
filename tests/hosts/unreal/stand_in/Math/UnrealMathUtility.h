// Stand-in for Math/UnrealMathUtility.h of Unreal Engine 5: only what the example uses, so that it is
// compiled and driven without the SDK
#pragma once

#include <cmath>

struct FMath
{
	template <class T> static T Min(T Left, T Right) { return Left < Right ? Left : Right; }
	template <class T> static T Max(T Left, T Right) { return Left < Right ? Right : Left; }
	template <class T> static T Clamp(T Value, T Least, T Most) { return Max(Least, Min(Value, Most)); }
	static double FloorToDouble(double Value) { return std::floor(Value); }
};
