/* Waiting for a condition variable until a token is cancelled. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_CONDITION_HPP
#define DCC_CANCEL_CONDITION_HPP

#include <chrono>
#include <cstdint>

#include "asking.hpp"
#include "callback.hpp"
#include "time.hpp"
#include "token.hpp"

namespace dcc {

namespace detail {

/* A cancel notifies a condition variable without locking its mutex, which the cancelling thread may hold
 * already. A notification after the look at the token and before the wait is lost, so the wait looks again
 * after this time. */
constexpr std::chrono::nanoseconds look_again_after = std::chrono::milliseconds(50);

template <class Condition, class Lock, class Predicate>
bool wait_at_most(Condition &changed, Lock &lock, const token &until, std::uint64_t nanoseconds,
                  Predicate &is_done)
{
    const std::uint64_t start = dcc_clock_now_ns();
    if (is_done())
        return true;
    asking host(until);
    const auto wake = [&changed]() noexcept { changed.notify_all(); };
    const cancel_callback<decltype(wake)> waking(until, wake);
    const auto most = static_cast<std::uint64_t>(look_again_after.count());
    while (!is_done()) {
        const std::uint64_t now = dcc_clock_now_ns();
        if (host.is_due(now)) {
            host.ask(lock);
            continue;
        }
        /* cause() asks no host's check, which must not run under the lock. */
        if (until.cause() != cause::none) {
            static_cast<void>(until.is_cancelled()); // this thread has seen it
            return is_done();
        }
        const std::uint64_t past = now - start;
        if (past >= nanoseconds)
            return is_done();
        const std::uint64_t left = nanoseconds - past;
        changed.wait_for(lock, duration_of(host.at_most(left < most ? left : most, now)));
    }
    return true;
}

} // namespace detail

/* Waits for a std::condition_variable or std::condition_variable_any until `is_done()` is true or the token
 * is cancelled, as std::condition_variable_any waits for a std::stop_token in C++20. Returns what is_done()
 * said last. The lock is held whenever is_done() is called, and at the end. The cancelling thread may hold
 * the mutex. Hosts' checks are asked meanwhile, without the lock, see ask_host. */
template <class Condition, class Lock, class Predicate>
bool wait(Condition &changed, Lock &lock, const token &until, Predicate is_done)
{
    return detail::wait_at_most(changed, lock, until, DCC_NO_LIMIT, is_done);
}

/* As wait, but not longer than `longest`, or not beyond `time`. */
template <class Condition, class Lock, class Rep, class Period, class Predicate>
bool wait_for(Condition &changed, Lock &lock, const token &until,
              std::chrono::duration<Rep, Period> longest, Predicate is_done)
{
    return detail::wait_at_most(changed, lock, until, detail::nanoseconds_of(longest), is_done);
}
template <class Condition, class Lock, class Clock, class Duration, class Predicate>
bool wait_until(Condition &changed, Lock &lock, const token &until,
                std::chrono::time_point<Clock, Duration> time, Predicate is_done)
{
    return detail::wait_at_most(changed, lock, until, detail::nanoseconds_until(time), is_done);
}

} // namespace dcc

#endif /* DCC_CANCEL_CONDITION_HPP */
