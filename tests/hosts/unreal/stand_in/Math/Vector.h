// Stand-in for Math/Vector.h of Unreal Engine 5: only what the example uses, so that it is compiled and
// driven without the SDK
#pragma once

#include <cmath>

struct FVector3f
{
	float X = 0.0f, Y = 0.0f, Z = 0.0f;

	FVector3f() = default;
	FVector3f(float InX, float InY, float InZ) : X(InX), Y(InY), Z(InZ) {}

	FVector3f& operator+=(const FVector3f& Other)
	{
		X += Other.X;
		Y += Other.Y;
		Z += Other.Z;
		return *this;
	}
	FVector3f operator-(const FVector3f& Other) const { return {X - Other.X, Y - Other.Y, Z - Other.Z}; }
	FVector3f operator/(float Scale) const { return {X / Scale, Y / Scale, Z / Scale}; }
	float Size() const { return std::sqrt(X * X + Y * Y + Z * Z); }
};
