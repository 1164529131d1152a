/* What a library's progress callback asks and tells. Part of the adapters, not of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_ADAPTERS_CALLBACK_POLL_HPP
#define DCC_CANCEL_ADAPTERS_CALLBACK_POLL_HPP

#include <atomic>
#include <cstdint>
#include <string_view>

#include "../job.hpp"
#include "../poll.hpp"
#include "../scope.hpp"
#include "../token.hpp"

namespace dcc {
namespace detail {

/* Polls for a library, on any of its threads, and remembers that it was told to stop: not every
 * library says so itself. How far the work is goes to a job. */
class callback_poll {
public:
    /* Polls what is current here and tells the current job. */
    callback_poll() noexcept : job_(job::current()) {}

    /* Polls this token in place of the current one, and tells nobody. */
    explicit callback_poll(const token &polled)
        : token_(polled), poller_(poller_with<token_scope>(polled))
    {
    }

    /* Polls and tells this job in place of the current one. */
    explicit callback_poll(const job &polled) : job_(polled), poller_(poller_with<job_scope>(polled))
    {
    }

    callback_poll(const callback_poll &) = delete;
    callback_poll &operator=(const callback_poll &) = delete;

    bool should_stop() noexcept
    {
        if (!poller_())
            return false;
        was_stopped_.store(true, std::memory_order_relaxed);
        return true;
    }

    /* Whether the library was told to stop since the last begin. */
    bool was_stopped() const noexcept { return was_stopped_.load(std::memory_order_relaxed); }

    /* Work starts anew. */
    void begin() noexcept { was_stopped_.store(false, std::memory_order_relaxed); }

    /* What is worked on now. */
    void set_stage(std::string_view name) noexcept
    {
        const job_progress reached = job_.progress();
        if (job_)
            job_.set_progress(reached.done, reached.total, name);
    }

    /* From 0 to 1. Threads tell it in any order: a job's progress only grows. */
    void set_progress(double portion) noexcept
    {
        if (job_ && portion > 0)
            job_.set_progress(portion < 1 ? static_cast<std::uint64_t>(portion * 1000) : 1000u, 1000);
    }

    /* In what the library counts; `total` is 0 while unknown. */
    void set_progress(std::uint64_t done, std::uint64_t total) noexcept
    {
        if (job_)
            job_.set_progress(done, total);
    }

    /* Negative if what is current is polled, and not what was given. Constructors throw that where
     * exceptions are enabled. */
    dcc_status status() const noexcept { return status_; }

    /* How the work ended, given whether the library is content. */
    job_state ended(bool succeeded) const noexcept
    {
        if (was_stopped())
            return job_state::cancelled;
        return succeeded ? job_state::completed : job_state::failed;
    }

private:
    template <class Scope, class Object> poller poller_with(const Object &current)
    {
        Scope scope(current);
        status_ = scope.status();
        return poller();
    }

    token token_;
    job job_;
    dcc_status status_ = DCC_OK;
    poller poller_;
    std::atomic<bool> was_stopped_{false};
};

} // namespace detail
} // namespace dcc

#endif /* DCC_CANCEL_ADAPTERS_CALLBACK_POLL_HPP */
