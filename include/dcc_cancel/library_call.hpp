/* What a library's callback asks and tells. Part of dcc_cancel.hpp. */

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

/* A call of a library that asks a callback of yours whether to go on, on any thread of its own. It stops with
 * what is current where this is made, honours the host's own check, and remembers that the library was told
 * to stop, which not every library says itself, and why. It tells the job how far the library is, as a share
 * of the step that is current: of two calls in two steps, or one after the other, each fills its own.
 *
 *     dcc::library_call call;
 *     const bool succeeded = denoise(image, dcc::library_call::ask, &call);
 *     if (call.ended(succeeded) == dcc::job_state::cancelled)
 *         return false;
 *
 * docs/write_an_adapter.md makes an adapter of it. */
class library_call {
public:
    /* Polls what is current here and tells the current job. */
    explicit library_call(DCC_CANCEL_HERE_) noexcept
        : job_(job::current()), current_(dcc_cancel_token_current()), share_(job_), poller_(file, line)
    {
    }

    /* Polls this token in place of the current one, and tells nobody. */
    explicit library_call(const token &polled)
        : token_(polled), poller_(poller_with<token_scope>(polled))
    {
    }

    /* Polls and tells this job in place of the current one. */
    explicit library_call(const job &polled)
        : job_(polled), current_(dcc_cancel_token_current()), share_(polled),
          poller_(poller_with<job_scope>(polled))
    {
    }

    library_call(const library_call &) = delete;
    library_call &operator=(const library_call &) = delete;

    /* The answer for the library; as cheap as a poll, so it may ask as often as it likes. */
    bool should_stop() noexcept
    {
        const dcc_status status = poller_.status();
        if (status == DCC_OK)
            return false;
        dcc_status unknown = DCC_OK;
        why_.compare_exchange_strong(unknown, status, std::memory_order_relaxed);
        return true;
    }

    /* The callback itself, with the library_call as its pointer. Not 0: stop. */
    static int ask(void *self) noexcept
    {
        return static_cast<library_call *>(self)->should_stop() ? 1 : 0;
    }

    /* Whether the library was told to stop since the last begin. */
    bool was_stopped() const noexcept { return why() != DCC_OK; }

    /* What it was told first: DCC_CANCELLED_BY_TOKEN, DCC_CANCELLED_BY_JOB or DCC_POLL_GONE; else DCC_OK. */
    dcc_status why() const noexcept { return why_.load(std::memory_order_relaxed); }

    /* Work starts anew, with a share of its own. */
    void begin() noexcept
    {
        why_.store(DCC_OK, std::memory_order_relaxed);
        end_progress();
    }

    /* The library is done, and no thread of it tells any more: its share of the job's bar is full. */
    void end_progress() noexcept { share_.end(); }

    /* What is worked on now. */
    void set_stage(std::string_view name) noexcept { share_.set_message(job_, name); }

    /* From 0 to 1, of the step that is current where this was made; else of the job. Threads tell it in any
     * order: progress only grows. */
    template <class Portion, class = std::enable_if_t<std::is_floating_point_v<Portion>>>
    void set_progress(Portion portion, DCC_CANCEL_HERE_) noexcept
    {
        const std::uint64_t done = portion < 1 ? static_cast<std::uint64_t>(portion * 1000) : 1000u;
        if (portion > 0)
            share_.set_progress(job_, done, 1000, file, line);
    }

    /* In what the library counts; `total` is 0 while unknown. */
    void set_progress(std::uint64_t done, std::uint64_t total, DCC_CANCEL_HERE_) noexcept
    {
        share_.set_progress(job_, done, total, file, line);
    }

    /* Negative if what is current is polled, and not what was given. Constructors throw that where
     * exceptions are enabled. */
    dcc_status status() const noexcept { return status_; }

    /* How the work ended, given whether the library is content, and whether it says itself that it was
     * aborted, which it may have been by a library_interrupt, without having asked. */
    job_state ended(bool succeeded, bool was_aborted = false) const noexcept
    {
        if (was_stopped() || was_aborted)
            return job_state::cancelled;
        return succeeded ? job_state::completed : job_state::failed;
    }

    /* Ends the job that is told in that way, as cancelled and as failed with the library's words; not if only
     * a part of its work was told to stop, such as a thread of a dcc::scope. For those who have no dcc::run
     * or dispatcher around it. Answers the job's state, or how it would have ended if there is none. */
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
