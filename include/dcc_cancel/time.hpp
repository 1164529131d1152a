/* Durations and times of std::chrono for the C functions. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_TIME_HPP
#define DCC_CANCEL_TIME_HPP

#include <chrono>
#include <cstdint>

#include "../dcc_cancel.h"

namespace dcc {

namespace detail {

/* A time that is farther away than a hundred years never comes. */
inline constexpr double for_ever_seconds = 100.0 * 365 * 24 * 60 * 60;

template <class Rep, class Period>
constexpr double seconds_of(std::chrono::duration<Rep, Period> duration) noexcept
{
    return std::chrono::duration<double>(duration).count();
}

/* Rounded up; 0 for a negative duration. */
template <class Rep, class Period>
constexpr std::uint64_t nanoseconds_of(std::chrono::duration<Rep, Period> duration) noexcept
{
    // Compared in floating point, which does not overflow.
    if (!(seconds_of(duration) > 0))
        return 0;
    if (seconds_of(duration) > for_ever_seconds)
        return DCC_NO_LIMIT;
    return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::nanoseconds>(duration).count());
}

/* A number that does not fit, such as DCC_NO_LIMIT, becomes the longest duration. */
constexpr std::chrono::nanoseconds duration_of(std::uint64_t nanoseconds) noexcept
{
    constexpr std::uint64_t longest = INT64_MAX;
    return std::chrono::nanoseconds(
        static_cast<std::int64_t>(nanoseconds < longest ? nanoseconds : longest));
}

/* The time from now until `then`. If the clock is set later, that has no effect. */
template <class Clock, class Duration>
std::uint64_t nanoseconds_until(std::chrono::time_point<Clock, Duration> then) noexcept
{
    const auto now = Clock::now();
    const double seconds = seconds_of(then.time_since_epoch()) - seconds_of(now.time_since_epoch());
    if (seconds > for_ever_seconds)
        return DCC_NO_LIMIT;
    // Close to now, floating point is too coarse, and the difference is exact.
    return seconds < -1 ? 0 : nanoseconds_of(then - now);
}

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_TIME_HPP */
