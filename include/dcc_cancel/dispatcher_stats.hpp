/* Statistics of a dispatcher. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_DISPATCHER_STATS_HPP
#define DCC_CANCEL_DISPATCHER_STATS_HPP

#include <chrono>
#include <cstdint>
#include <optional>

#include "time.hpp"

namespace dcc {

/* Durations: half of all are at most p50, 95 of 100 at most p95. */
struct time_quantiles {
    std::chrono::nanoseconds p50 = std::chrono::nanoseconds(0);
    std::chrono::nanoseconds p95 = std::chrono::nanoseconds(0);
    std::chrono::nanoseconds p99 = std::chrono::nanoseconds(0);
    std::chrono::nanoseconds longest = std::chrono::nanoseconds(0);
};

/* Counts and times of a dispatcher; see dcc_dispatcher_stats. */
struct dispatcher_stats {
    bool is_closed = false;
    /* `present_for` is above the dispatcher's wedge_threshold. */
    bool is_wedged = false;
    /* Jobs that wait for their turn, and the most that may. */
    std::uint32_t depth = 0;
    std::uint32_t capacity = 0;
    std::uint32_t between_slices = 0;
    std::uint32_t running = 0;
    std::uint32_t awaiting_completion = 0;
    std::uint64_t posted = 0;
    std::uint64_t executed = 0;
    /* Jobs by their end. */
    std::uint64_t completed = 0;
    std::uint64_t failed = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t interrupted = 0;
    /* Posts that were refused because too many jobs wait. */
    std::uint64_t rejected = 0;
    std::uint64_t completions_dropped = 0;
    std::chrono::nanoseconds oldest_wait = std::chrono::nanoseconds(0);
    /* From the post to the first call of the job's callable. */
    time_quantiles wait = {};
    /* How long slices on the dispatcher's thread took. A job that is not sliced counts as one slice. */
    time_quantiles run = {};
    /* The job with the longest slice; dispatcher::longest_label has its label. */
    std::uint64_t longest_job_id = 0;
    std::uint64_t ticks = 0;
    std::uint64_t overruns = 0;
    std::chrono::nanoseconds longest_tick = std::chrono::nanoseconds(0);
    /* The job that the dispatcher's thread is inside, 0 for none. Beside it, for how long the thread has been
     * inside that or another function that the library knows of. */
    std::uint64_t present_job_id = 0;
    std::chrono::nanoseconds present_for = std::chrono::nanoseconds(0);
    /* How long ago the last pump ended, zero inside one; nullopt before the first. If this grows while
     * present_job_id is 0, the host keeps the thread busy, for instance with a modal dialog. */
    std::optional<std::chrono::nanoseconds> since_last_tick = {};
};

namespace detail {

inline dispatcher_stats stats_from(const dcc_dispatcher_stats &info) noexcept
{
    dispatcher_stats stats;
    stats.is_closed = info.is_closed != 0;
    stats.is_wedged = info.is_wedged != 0;
    stats.depth = info.depth;
    stats.capacity = info.capacity;
    stats.between_slices = info.between_slices;
    stats.running = info.running;
    stats.awaiting_completion = info.awaiting_completion;
    stats.posted = info.posted;
    stats.executed = info.executed;
    stats.completed = info.completed;
    stats.failed = info.failed;
    stats.cancelled = info.cancelled;
    stats.interrupted = info.interrupted;
    stats.rejected = info.rejected;
    stats.completions_dropped = info.completions_dropped;
    stats.longest_job_id = info.longest_job_id;
    stats.ticks = info.ticks;
    stats.overruns = info.overruns;
    stats.present_job_id = info.present_job_id;
    stats.oldest_wait = duration_of(info.oldest_wait_ns);
    stats.longest_tick = duration_of(info.longest_tick_ns);
    stats.present_for = duration_of(info.present_for_ns);
    if (info.since_last_tick_ns != DCC_NO_LIMIT)
        stats.since_last_tick = duration_of(info.since_last_tick_ns);
    stats.wait = {duration_of(info.wait_p50_ns), duration_of(info.wait_p95_ns),
                  duration_of(info.wait_p99_ns), duration_of(info.wait_max_ns)};
    stats.run = {duration_of(info.run_p50_ns), duration_of(info.run_p95_ns),
                 duration_of(info.run_p99_ns), duration_of(info.run_max_ns)};
    return stats;
}

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_DISPATCHER_STATS_HPP */
