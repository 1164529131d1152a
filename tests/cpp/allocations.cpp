// Calls that allocate nothing, and calls that get no memory. The program replaces operator new, as memory
// checkers do, so those do not run it. Also compiled without exceptions.

#if defined(__GNUC__) && !defined(__clang__)
// gcc reports this where it inlines the operators below.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

#include "dcc_cancel.hpp"
#include "expect.hpp"

#include <cstdlib>
#include <new>
#include <vector>

namespace {

int allocations = 0;
bool is_memory_full = false;

void *allocate(std::size_t size)
{
    ++allocations;
    return is_memory_full ? nullptr : std::malloc(size);
}

} // namespace

void *operator new(std::size_t size)
{
    if (void *made = allocate(size))
        return made;
#if DCC_CANCEL_EXCEPTIONS
    throw std::bad_alloc();
#else
    std::abort();
#endif
}
void *operator new(std::size_t size, const std::nothrow_t &) noexcept { return allocate(size); }
void *operator new[](std::size_t size, const std::nothrow_t &) noexcept { return allocate(size); }
void operator delete(void *gone) noexcept { std::free(gone); }
void operator delete(void *gone, std::size_t) noexcept { std::free(gone); }
void operator delete[](void *gone) noexcept { std::free(gone); }
void operator delete[](void *gone, std::size_t) noexcept { std::free(gone); }

namespace {

void a_range_that_finds_no_memory_is_an_answer()
{
    const std::vector<dcc::token> parents = {dcc::token::create()};
    dcc::token result = dcc::token::create();
    is_memory_full = true;
    const dcc_status status = dcc::token::try_create(result, parents);
    is_memory_full = false;
    EXPECT(status == DCC_ERROR_RESOURCES && !result);
}

void nothing_is_allocated_where_nothing_can_be_called_later()
{
    const dcc::token cancelled = dcc::token::create();
    cancelled.cancel();
    int called = 0;
    allocations = 0;
    is_memory_full = true;
    {
        const dcc::cancel_callback never(dcc::token(), [&] { ++called; });
        const dcc::stop_callback stop_never(dcc::stop_token(), [&] { ++called; });
        EXPECT(called == 0 && never.status() == DCC_OK && stop_never.status() == DCC_OK);
        dcc::cancel_callback now(cancelled, [&] { ++called; });
        const dcc::stop_callback stop_now(dcc::stop_token(cancelled), [&] { ++called; });
        EXPECT(called == 2 && now.status() == DCC_OK && stop_now.status() == DCC_OK);
        EXPECT(now.unregister() == DCC_CALLBACK_DONE && now.unregister() == DCC_OK);
    }
    is_memory_full = false;
    EXPECT(called == 2 && allocations == 0);
}

} // namespace

int main()
{
    a_range_that_finds_no_memory_is_an_answer();
    nothing_is_allocated_where_nothing_can_be_called_later();
    return 0;
}
