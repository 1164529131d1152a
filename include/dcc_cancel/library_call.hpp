/* The callback by which another library asks whether to go on. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_LIBRARY_CALL_HPP
#define DCC_CANCEL_LIBRARY_CALL_HPP

#include <atomic>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "config.hpp"
#include "failure.hpp"
#include "job.hpp"
#include "library_share.hpp"
#include "poll.hpp"
#include "scope.hpp"
#include "token.hpp"

namespace dcc {

/* A call of a library that asks a callback of yours whether to go on, on any of its threads. The library is
 * told to stop when the token or job that is current where this is made is cancelled, or when the host's own
 * check says so. This remembers that the library was told to stop, and why, because not every library tells.
 * It shows the library's progress as a share of the current step: two calls, in two steps or one after the
 * other, have a share each.
 *
 *     dcc::library_call call;
 *     const bool succeeded = denoise(image, dcc::library_call::ask, &call);
 *     if (call.ended(succeeded) == dcc::job_state::cancelled)
 *         return false;
 *
 * docs/write_an_adapter.md makes an adapter of it. */
class library_call {
public:
    /* Polls what is current here, and shows progress in the current job. */
    explicit library_call(DCC_CANCEL_HERE_) noexcept
        : job_(job::current()), current_(dcc_cancel_token_current()), share_(job_), poller_(file, line)
    {
    }

    /* Polls this token in place of the current one, and shows no progress. */
    explicit library_call(const token &polled)
        : token_(polled), poller_(poller_with<token_scope>(polled))
    {
    }

    /* Polls this job in place of the current one, and shows progress in it. */
    explicit library_call(const job &polled)
        : job_(polled), current_(dcc_cancel_token_current()), share_(polled),
          poller_(poller_with<job_scope>(polled))
    {
    }

    library_call(const library_call &) = delete;
    library_call &operator=(const library_call &) = delete;

    /* The answer for the library. As cheap as a poll, so the library may ask as often as it likes. */
    bool should_stop() noexcept
    {
        const dcc_status status = poller_.status();
        if (status == DCC_OK)
            return false;
        dcc_status unknown = DCC_OK;
        why_.compare_exchange_strong(unknown, status, std::memory_order_relaxed);
        return true;
    }

    /* The callback itself; the library_call is its pointer. Not 0: stop. */
    static int ask(void *self) noexcept
    {
        return static_cast<library_call *>(self)->should_stop() ? 1 : 0;
    }

    /* Whether the library was told to stop since the last begin. */
    bool was_stopped() const noexcept { return why() != DCC_OK; }

    /* What the library was told first: DCC_CANCELLED_BY_TOKEN, DCC_CANCELLED_BY_JOB or DCC_POLL_GONE; else
     * DCC_OK. */
    dcc_status why() const noexcept { return why_.load(std::memory_order_relaxed); }

    /* Prepares for another call of the library, with a share of its own. */
    void begin() noexcept
    {
        why_.store(DCC_OK, std::memory_order_relaxed);
        end_progress();
    }

    /* Ends the library's share, which becomes full. Call it when no thread of the library reports progress
     * any more. */
    void end_progress() noexcept { share_.end(); }

    /* Names what the library is doing now, for people. */
    void set_stage(std::string_view name) noexcept { share_.set_message(job_, name); }

    /* Progress from 0 to 1 of the step that is current where this was made, else of the job. Threads may
     * report in any order: progress only grows. */
    template <class Portion, class = std::enable_if_t<std::is_floating_point_v<Portion>>>
    void set_progress(Portion portion, DCC_CANCEL_HERE_) noexcept
    {
        const std::uint64_t done = portion < 1 ? static_cast<std::uint64_t>(portion * 1000) : 1000u;
        if (portion > 0)
            share_.set_progress(job_, done, 1000, file, line);
    }

    /* Progress in units of the library; `total` is 0 while unknown. */
    void set_progress(std::uint64_t done, std::uint64_t total, DCC_CANCEL_HERE_) noexcept
    {
        share_.set_progress(job_, done, total, file, line);
    }

    /* Negative: the given token or job could not be polled, and what is current is polled instead. If
     * exceptions are enabled, the constructors throw this. */
    dcc_status status() const noexcept { return status_; }

    /* How the work ended. `succeeded`: the library reports success. `was_aborted`: it reports that it was
     * aborted, for instance by a library_interrupt, without having asked. */
    job_state ended(bool succeeded, bool was_aborted = false) const noexcept
    {
        if (was_stopped() || was_aborted)
            return job_state::cancelled;
        return succeeded ? job_state::completed : job_state::failed;
    }

    /* Ends the job whose progress this shows, as `ended` says, with the library's words. It does not end the
     * job if only a part of its work was told to stop, such as a thread of a dcc::scope. For code without a
     * dcc::run or a dispatcher around it. Returns the job's state, or without a job how it would have ended.
     */
    job_state end(bool succeeded, bool was_aborted = false, const char *words = "") noexcept
    {
        const job_state how = ended(succeeded, was_aborted);
        if (!job_)
            return how;
        if (how == job_state::completed)
            job_.complete();
        else if (how == job_state::cancelled)
            end_unless_part(words);
        else
            detail::fail(job_.get(), words);
        return job_.state();
    }

private:
    void end_unless_part(const char *words) const noexcept
    {
        dcc_library_call call = {};
        call.struct_size = sizeof call;
        call.told = why();
        call.token = current_;
        call.job_token = dcc_job_token(job_.get());
        call.job = job_.get();
        detail::end_with_text(words, [&call](const char *text, std::size_t length) {
            return dcc_library_call_end(&call, 0, 1, text, length);
        });
    }

    template <class Scope, class Object> poller poller_with(const Object &current)
    {
        Scope scope(current);
        status_ = scope.status();
        return poller();
    }

    token token_;
    job job_;
    const dcc_cancel_token *current_ = nullptr;
    detail::library_share share_;
    dcc_status status_ = DCC_OK;
    poller poller_;
    std::atomic<dcc_status> why_{DCC_OK};
};

} // namespace dcc

#endif /* DCC_CANCEL_LIBRARY_CALL_HPP */
