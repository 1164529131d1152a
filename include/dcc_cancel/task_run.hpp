/* The coroutine frames of one posted task. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_TASK_RUN_HPP
#define DCC_CANCEL_TASK_RUN_HPP

#include "is_task.hpp"

#if DCC_CANCEL_COROUTINES

#include <coroutine>
#include <cstdint>
#include <exception>
#include <thread>
#include <utility>

#include "config.hpp"
#include "failure.hpp"
#include "poll.hpp"

namespace dcc {

namespace detail {

class task_run;

/* The part of each coroutine's frame that task_run needs, once the coroutine has begun. */
struct task_frame {
    task_run *run = nullptr;
    /* The frame that awaits this one; null for the outermost. */
    task_frame *caller = nullptr;
    std::coroutine_handle<> self;
    /* The handle by which the frame's holder would destroy it. */
    std::coroutine_handle<> *place = nullptr;
};

/* Runs a stack of frames slice by slice, all on one thread. A frame that awaits another, or returns, gives
 * the thread back to the loop of `go_on`. So the thread's stack does not grow, however deep and often
 * coroutines call each other, and whether or not the compiler makes tail calls. */
class task_run {
public:
    task_run() = default;
    task_run(const task_run &) = delete;
    task_run &operator=(const task_run &) = delete;
    ~task_run() { destroy(); }

    /* Sets the dispatcher to which the task is posted, and the owner of its code. */
    void post_to(const dcc_dispatcher *dispatcher, const dcc_owner *owner) noexcept
    {
        dispatcher_ = dispatcher;
        owner_ = owner;
    }

    const dcc_dispatcher *dispatcher() const noexcept { return dispatcher_; }
    const dcc_owner *owner() const noexcept { return owner_; }

    /* The dispatcher, if the task has begun and this is not the thread on which it ran; else null. */
    const dcc_dispatcher *elsewhere() const noexcept
    {
        const std::thread::id here = std::this_thread::get_id();
        return thread_ != std::thread::id() && thread_ != here ? dispatcher_ : nullptr;
    }

    /* Makes a frame the innermost, which runs from now on. */
    void enter(task_frame &frame, task_frame *caller, std::coroutine_handle<> &place) noexcept
    {
        frame.run = this;
        frame.caller = caller;
        frame.place = &place;
        top_ = &frame;
    }

    /* The innermost frame has returned, or thrown. */
    void leave() noexcept { top_ = top_->caller; }

    /* Begins a slice of this job. */
    void begin_slice(const dcc_job *work) noexcept
    {
        work_ = work;
        answer_ = DCC_OK;
        thread_ = std::this_thread::get_id();
    }

    /* Runs until the outermost frame is done (DCC_OK) or a frame suspends, and returns the answer of the
     * slice. */
    std::int32_t go_on() noexcept
    {
        if (is_over_ != nullptr) {
            const bool may_stop = asleep_ != DCC_RUN_AWAY && dcc_check_cancelled() != DCC_OK;
            if (!may_stop && !is_over_(wait_))
                return asleep_;
            if (answer_ != DCC_OK)
                return answer_;
        }
#if !DCC_CANCEL_EXCEPTIONS
        /* Without exceptions there is no way to tell the frame. */
        if (const dcc_status why = has_suspended_ ? dcc_check_cancelled() : DCC_OK)
            return why;
#endif
        is_over_ = nullptr;
        const dcc_ticket ticket = set_share();
        while (top_ != nullptr && answer_ == DCC_OK)
            top_->self.resume();
        keep_share(ticket);
        has_suspended_ = true;
        return answer_;
    }

    /* Ends the slice, with this answer, of the frame that suspends now. */
    void suspend(std::int32_t answer) noexcept { answer_ = answer; }

    /* As suspend, until the job is woken and `is_over(wait)` is true, or the job is cancelled; with
     * DCC_RUN_AWAY a cancel does not end the sleep. `is_over` may call suspend or fail, in place of letting
     * the frame go on. */
    void sleep(bool (*is_over)(const void *), const void *wait,
               std::int32_t answer = DCC_RUN_WHEN_WOKEN) noexcept
    {
        is_over_ = is_over;
        wait_ = wait;
        asleep_ = answer;
        answer_ = answer;
    }

    /* Fails the job at the frame that suspends now. */
    void fail(const char *why) noexcept
    {
        detail::fail(work_, why);
        answer_ = DCC_ERROR_INTERNAL;
    }

    /* Fails the job if a status is negative, and returns whether it is. */
    bool has_failed(dcc_status status) noexcept
    {
        if (status < 0)
            fail(dcc_status_string(status));
        return status < 0;
    }

    /* Whether a co_await can still tell of a cancel by an exception, which happens once. A frame that has
     * swallowed that exception does not go on. */
    bool may_tell() const noexcept { return DCC_CANCEL_EXCEPTIONS && !was_told_; }

    /* Throws cancelled_error in a frame that goes on, if the job is cancelled. */
    void tell()
    {
#if DCC_CANCEL_EXCEPTIONS
        if (dcc_check_cancelled() != DCC_OK) {
            was_told_ = true;
            throw_if_cancelled();
        }
#endif
    }

    /* Notes that a frame got a cancelled_error in another way. */
    void note_told() noexcept { was_told_ = was_told_ || dcc_check_cancelled() != DCC_OK; }

    const dcc_job *work() const noexcept { return work_; }

    /* Destroys the frames, the innermost first. */
    void destroy() noexcept
    {
        while (task_frame *const frame = top_) {
            top_ = frame->caller;
            *frame->place = nullptr;
            frame->self.destroy();
        }
        hold_share(nullptr);
    }

private:
    /* Makes the share current that was current when the task suspended, because a dispatcher leaves nothing
     * current from one slice to the next. Without memory for that the work goes on, and its progress is not
     * shown. */
    dcc_ticket set_share() const noexcept
    {
        dcc_ticket ticket = 0;
        if (share_ != nullptr)
            dcc_progress_set_current(share_, &ticket);
        return ticket;
    }

    void keep_share(dcc_ticket ticket) noexcept
    {
        hold_share(dcc_progress_current());
        if (ticket != 0)
            dcc_context_unwind(ticket);
    }

    void hold_share(const dcc_progress *now) noexcept
    {
        if (now == share_)
            return;
        const dcc_progress *const before = share_;
        share_ = dcc_progress_retain(now) == DCC_OK ? now : nullptr;
        dcc_progress_release(const_cast<dcc_progress *>(before));
    }

    task_frame *top_ = nullptr;
    const dcc_job *work_ = nullptr;
    bool (*is_over_)(const void *) = nullptr;
    const void *wait_ = nullptr;
    const dcc_dispatcher *dispatcher_ = nullptr;
    const dcc_owner *owner_ = nullptr;
    /* The share of progress that is current in the task's slices; holds a reference. */
    const dcc_progress *share_ = nullptr;
    std::thread::id thread_;
    std::int32_t answer_ = DCC_OK;
    /* The answer of slices while the task sleeps. */
    std::int32_t asleep_ = DCC_RUN_WHEN_WOKEN;
    bool was_told_ = false;
    bool has_suspended_ = false;
};

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_COROUTINES */

#endif /* DCC_CANCEL_TASK_RUN_HPP */
