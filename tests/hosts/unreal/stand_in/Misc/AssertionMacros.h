// Stand-in for Misc/AssertionMacros.h of Unreal Engine 5: only what the example uses, so that it is compiled
// and driven without the SDK
#pragma once

#include <cstdio>
#include <cstdlib>

[[noreturn]] inline void StandInCheckFailed(const char* Expression, const char* File, int Line)
{
	std::fprintf(stderr, "%s:%d: check(%s) failed\n", File, Line, Expression);
	std::abort();
}

#define check(expr) ((expr) ? static_cast<void>(0) : StandInCheckFailed(#expr, __FILE__, __LINE__))
#define checkf(expr, ...) check(expr)
#define verify(expr) check(expr)
#define verifyf(expr, ...) check(expr)
// In the editor it reports and goes on; here nothing may go on.
#define ensure(expr) ((expr) || (StandInCheckFailed(#expr, __FILE__, __LINE__), false))
#define ensureMsgf(expr, ...) ensure(expr)
