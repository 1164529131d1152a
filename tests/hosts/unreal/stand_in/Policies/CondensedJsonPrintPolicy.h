// Stand-in for Policies/CondensedJsonPrintPolicy.h of Unreal Engine 5: only what the example uses, so that it
// is compiled and driven without the SDK
#pragma once

template <class CharType>
struct TCondensedJsonPrintPolicy
{
};
