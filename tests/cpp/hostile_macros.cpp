// The wrapper compiles after macros that engines, toolkits and system headers are known to define.
// The standard headers come first, as they do where these macros are met.

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

// Unreal
#define check(condition) static_cast<void>(condition)
#define verify(condition) static_cast<void>(condition)
#define ensure(condition) (condition)
#define TEXT(words) L##words
#define PI 3.14f
// X11
#define None 0L
#define Status int
#define Bool int
#define Always 2
#define Success 0
#define Complex 0
// Windows
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#define interface struct
#define small char
#define near
#define far
#define ERROR 0
#define GetMessage GetMessageW
// Qt
#define emit
#define signals public
#define slots
#define foreach for

#include "dcc_cancel.hpp"

int main()
{
    dcc::token token;
    if (dcc::token::try_create(token) != DCC_OK)
        return 1;
    dcc::token_scope current(token);
    dcc::poller cancelled;
    token.cancel("done");
    return cancelled() && dcc::is_cancelled() ? 0 : 1;
}
