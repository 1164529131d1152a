// Deadlines, waits and native events. Also compiled without exceptions and RTTI.

#include "dcc_cancel.hpp"
#include "expect.hpp"
#include "gate.hpp"
#include "hangs.hpp"

#include <limits>
#include <thread>
#include <vector>

#if defined(_WIN32)
#include <windows.h>
#else
#include <poll.h>
#endif

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr auto soon = hangs_after;

void durations_of_any_size_are_taken()
{
    using dcc::detail::nanoseconds_of;
    using dcc::detail::nanoseconds_until;
    EXPECT(nanoseconds_of(3us) == 3000 && nanoseconds_of(-1s) == 0 && nanoseconds_of(0s) == 0);
    using picoseconds = std::chrono::duration<std::int64_t, std::pico>;
    EXPECT(nanoseconds_of(picoseconds(1)) == 1 && nanoseconds_of(picoseconds(1001)) == 2);
    EXPECT(nanoseconds_of(std::chrono::duration<double>(0.5)) == 500000000);
    using floating = std::numeric_limits<double>;
    EXPECT(nanoseconds_of(std::chrono::duration<double>(floating::quiet_NaN())) == 0);
    EXPECT(nanoseconds_of(std::chrono::duration<double>(floating::infinity())) == DCC_NO_LIMIT);
    EXPECT(nanoseconds_of((std::chrono::hours::max)()) == DCC_NO_LIMIT);
    EXPECT(nanoseconds_of((std::chrono::hours::min)()) == 0);
    EXPECT(nanoseconds_of((std::chrono::nanoseconds::max)()) == DCC_NO_LIMIT);

    using in_hours = std::chrono::time_point<std::chrono::system_clock, std::chrono::hours>;
    EXPECT(nanoseconds_until((in_hours::max)()) == DCC_NO_LIMIT);
    EXPECT(nanoseconds_until((in_hours::min)()) == 0);
    EXPECT(nanoseconds_until((steady::time_point::max)()) == DCC_NO_LIMIT);
    EXPECT(nanoseconds_until((steady::time_point::min)()) == 0);
    EXPECT(nanoseconds_until(steady::now() - 1ms) == 0);
    const std::uint64_t hour = nanoseconds_until(std::chrono::system_clock::now() + 1h);
    EXPECT(hour > nanoseconds_of(59min) && hour <= nanoseconds_of(1h));
}

void a_deadline_cancels()
{
    const auto start = steady::now();
    dcc::token token = dcc::token::create();
    dcc::deadline limit(token, 20ms);
    EXPECT(limit.status() == DCC_OK);
    EXPECT(token.wait_for(soon) && steady::now() - start >= 20ms);
    EXPECT(token.cause() == dcc::cause::deadline && !token.time_to_deadline());
    EXPECT(!limit.clear());
    EXPECT(!token.set_deadline_after(1s));
    dcc::deadline late(token, 1s);
    EXPECT(late.status() == DCC_ALREADY_CANCELLED);
}

void a_deadline_ends_with_its_scope()
{
    steady::duration scope_took;
    dcc::token token;
    do { // until the machine is not too busy for this
        token = dcc::token::create();
        const auto start = steady::now();
        {
            dcc::deadline limit(token, 50ms);
        }
        scope_took = steady::now() - start;
    } while (scope_took >= 50ms);
    EXPECT(!token.time_to_deadline());
    EXPECT(!token.wait_for(100ms) && !token.is_cancelled());
    {
        dcc::deadline limit(token, steady::now() + 1h);
        EXPECT(token.time_to_deadline() > 30min && token.time_to_deadline() <= 1h);
        EXPECT(limit.clear() && !limit.clear());
    }
    {
        // This deadline never passes, and keeps a token that has no owner.
        dcc::deadline limit(dcc::token::create(), (std::chrono::hours::max)());
        EXPECT(limit.status() == DCC_OK && limit.clear());
    }
}

void a_deadline_is_moved_and_disarmed()
{
    dcc::token token = dcc::token::create();
    EXPECT(token.set_deadline_after(1h) && token.clear_deadline() && !token.clear_deadline());
    EXPECT(token.set_deadline(std::chrono::system_clock::now() + 1h));
    EXPECT(token.time_to_deadline() > 30min);
    const dcc::token child = dcc::token::create({token});
    EXPECT(child.time_to_deadline() > 30min && !child.clear_deadline());
    EXPECT(child.set_deadline_after(2h) && child.time_to_deadline() < 90min);
    bool called = false;
    const dcc::cancel_callback callback(child, [&] { called = true; });
    EXPECT(token.set_deadline(steady::now() - 1s));
    EXPECT(called && token.is_cancelled() && child.cause() == dcc::cause::deadline);
    EXPECT(!child.time_to_deadline() && !token.time_to_deadline() && !child.set_deadline_after(1h));
    EXPECT(!dcc::token().set_deadline_after(1s) && !dcc::token().clear_deadline());
}

void a_wait_ends_by_the_cancel_or_in_time()
{
    dcc::token token = dcc::token::create();
    EXPECT(!token.wait_for(0s) && !token.wait_for(-1s));
    EXPECT(!token.wait_until(steady::now() + 5ms));
    EXPECT(token.try_wait_for(1ms) == DCC_TIMED_OUT);
    EXPECT(!dcc::token().wait() && !dcc::token().wait_for(1ms));
    EXPECT(dcc::token().try_wait_for((std::chrono::hours::max)()) == DCC_NEVER);
    int written = 0; // not atomic: the cancel is what orders it
    std::thread canceller([&written, token] {
        std::this_thread::sleep_for(5ms);
        written = 1;
        token.cancel();
    });
    EXPECT(token.wait() && written == 1);
    EXPECT(token.wait_for(0s) && token.wait_until((steady::time_point::min)()));
    canceller.join();
}

void a_wait_for_any_says_which()
{
    dcc::token first = dcc::token::create();
    dcc::token second = dcc::token::create();
    EXPECT(!dcc::wait_any({first, second}, 1ms));
    EXPECT(dcc::wait_any({first, second}, 1ms).status == DCC_TIMED_OUT);
    EXPECT(dcc::wait_any({dcc::token()}).status == DCC_NEVER);
    std::thread canceller([second] {
        std::this_thread::sleep_for(5ms);
        second.cancel();
    });
    const dcc::wait_result any = dcc::wait_any({dcc::token(), first, second});
    EXPECT(any && any.index == 2);
    canceller.join();
    const std::vector<dcc::token> tokens{first, second};
    EXPECT(dcc::wait_any(tokens.data(), tokens.size(), 1h).index == 1);
}

bool is_set(const dcc::native_event &event)
{
#if defined(_WIN32)
    return WaitForSingleObject(event.native(), 0) == WAIT_OBJECT_0;
#else
    pollfd polled = {};
    polled.fd = event.native();
    polled.events = POLLIN;
    return poll(&polled, 1, 0) == 1 && polled.revents == POLLIN;
#endif
}

void a_native_event_is_set_and_stays_set()
{
    dcc::token token = dcc::token::create();
    dcc::native_event event = token.native_event();
    dcc::native_event second = token.native_event();
    EXPECT(event && second && !is_set(event) && event.native() != second.native());
    token.cancel();
    EXPECT(is_set(event) && is_set(event) && is_set(token.native_event()));
    dcc::native_event moved = std::move(event);
    EXPECT(!event && is_set(moved));
    moved = std::move(second);
    EXPECT(is_set(moved) && !second);
    // An event that is closed by hand is closed once.
    EXPECT(dcc_native_event_close(moved.detach()) == DCC_OK && !moved);
    token.reset();
    EXPECT(dcc_native_event_close(DCC_NO_NATIVE_EVENT) == DCC_OK);
}

void a_native_event_is_closed_with_its_object()
{
    dcc::token token = dcc::token::create();
    dcc_native_event number = DCC_NO_NATIVE_EVENT;
    {
        dcc::native_event event = token.native_event();
        number = event.detach();
        event = dcc::native_event::adopt(number);
    }
    EXPECT(dcc_native_event_close(number) == DCC_ERROR_INVALID_ARGUMENT);
}

} // namespace

int main()
{
    durations_of_any_size_are_taken();
    a_deadline_cancels();
    a_deadline_ends_with_its_scope();
    a_deadline_is_moved_and_disarmed();
    a_wait_ends_by_the_cancel_or_in_time();
    a_wait_for_any_says_which();
    a_native_event_is_set_and_stays_set();
    a_native_event_is_closed_with_its_object();
    return 0;
}
