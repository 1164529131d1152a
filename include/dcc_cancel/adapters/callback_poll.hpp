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

    /* Polls this token in place of the current one. */
    explicit callback_poll(const token &polled)
        : token_(polled), job_(job::current()), poller_(poller_with<token_scope>(polled))
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
    void begin(std::string_view name = {}) noexcept
    {
        was_stopped_.store(false, std::memory_order_relaxed);
        begin_stage(name);
    }

    /* The work goes on with a part of its own. */
    void begin_stage(std::string_view name) noexcept
    {
        permille_.store(0, std::memory_order_relaxed);
        if (job_)
            job_.set_progress(0, 1000, name);
    }

    /* From 0 to 1. Threads tell it in any order; the job hears what is further than before. */
    void set_progress(double portion) noexcept
    {
        if (!job_ || !(portion > 0))
            return;
        const std::uint32_t reached =
            portion < 1 ? static_cast<std::uint32_t>(portion * 1000) : 1000u;
        std::uint32_t known = permille_.load(std::memory_order_relaxed);
        while (reached > known) {
            if (permille_.compare_exchange_weak(known, reached, std::memory_order_relaxed)) {
                job_.set_progress(reached, 1000);
                return;
            }
        }
    }

    /* How the work ended, given whether the library is content. */
    job_state ended(bool succeeded) const noexcept
    {
        if (was_stopped())
            return job_state::cancelled;
        return succeeded ? job_state::completed : job_state::failed;
    }

private:
    template <class Scope, class Object> static poller poller_with(const Object &current)
    {
        Scope scope(current);
        return poller();
    }

    token token_;
    job job_;
    poller poller_;
    std::atomic<std::uint32_t> permille_{0};
    std::atomic<bool> was_stopped_{false};
};

} // namespace detail
} // namespace dcc

#endif /* DCC_CANCEL_ADAPTERS_CALLBACK_POLL_HPP */
