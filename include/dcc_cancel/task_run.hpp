/* The frames of one posted task, and which of them goes on. Part of dcc_cancel.hpp. */

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

/* What the frame of each coroutine has, once it has begun. */
struct task_frame {
    task_run *run = nullptr;
    /* Who awaits it; of the outermost nobody. */
    task_frame *caller = nullptr;
    std::coroutine_handle<> self;
    /* Where the handle is by which it is destroyed. */
    std::coroutine_handle<> *place = nullptr;
};

/* Runs a stack of frames slice by slice, all on one thread. A frame that awaits another or returns gives
 * the thread back to the loop of `go_on`, so that the stack of the thread stays as it is, however deep and
 * often coroutines call each other, and whether or not a compiler makes tail calls. */
class task_run {
public:
    task_run() = default;
    task_run(const task_run &) = delete;
    task_run &operator=(const task_run &) = delete;
    ~task_run() { destroy(); }

    /* Says to which dispatcher it is posted, and whose code it is. */
    void post_to(const dcc_dispatcher *dispatcher, const dcc_owner *owner) noexcept
    {
        dispatcher_ = dispatcher;
        owner_ = owner;
    }

    const dcc_dispatcher *dispatcher() const noexcept { return dispatcher_; }
    const dcc_owner *owner() const noexcept { return owner_; }

    /* The dispatcher, if the task has begun and this is not the thread on which it ran. */
    const dcc_dispatcher *elsewhere() const noexcept
    {
        const std::thread::id here = std::this_thread::get_id();
        return thread_ != std::thread::id() && thread_ != here ? dispatcher_ : nullptr;
    }

    /* Lets a frame have the thread from now on. */
    void enter(task_frame &frame, task_frame *caller, std::coroutine_handle<> &place) noexcept
    {
        frame.run = this;
        frame.caller = caller;
        frame.place = &place;
        top_ = &frame;
    }

    /* The innermost frame has returned, or thrown. */
    void leave() noexcept { top_ = top_->caller; }

    /* A slice of this job begins. */
    void begin_slice(const dcc_job *work) noexcept
    {
        work_ = work;
        answer_ = DCC_OK;
        thread_ = std::this_thread::get_id();
    }

    /* Runs until the outermost frame is done, DCC_OK, or until one suspends: the answer of the slice. */
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
        /* There is no way to tell it. */
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

    /* Ends the slice of the frame that suspends now, by this answer. */
    void suspend(std::int32_t answer) noexcept { answer_ = answer; }

    /* The same until it is woken and `is_over(wait)`, or is cancelled; DCC_RUN_AWAY: also if it is cancelled.
     * That function may suspend it, or fail the job, instead of saying so. */
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

    /* The same if what it needed has failed. */
    bool has_failed(dcc_status status) noexcept
    {
        if (status < 0)
            fail(dcc_status_string(status));
        return status < 0;
    }

    /* Whether a cancel can be told where a frame awaits: by an exception, once. A frame that has swallowed
     * that goes on no more. */
    bool may_tell() const noexcept { return DCC_CANCEL_EXCEPTIONS && !was_told_; }

    /* Tells a frame that goes on of a cancel. */
    void tell()
    {
#if DCC_CANCEL_EXCEPTIONS
        if (dcc_check_cancelled() != DCC_OK) {
            was_told_ = true;
            throw_if_cancelled();
        }
#endif
    }

    /* A frame goes on with a cancelled_error that it got otherwise. */
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
    /* Makes current what was when the task suspended, the step in which it is: a dispatcher leaves nothing
     * current from one slice to the next. Without memory for that the work goes on, and the bar stays. */
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
    /* The share of progress that is current in its slices; holds a reference. */
    const dcc_progress *share_ = nullptr;
    std::thread::id thread_;
    std::int32_t answer_ = DCC_OK;
    /* What it answers while it sleeps. */
    std::int32_t asleep_ = DCC_RUN_WHEN_WOKEN;
    bool was_told_ = false;
    bool has_suspended_ = false;
};

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_COROUTINES */

#endif /* DCC_CANCEL_TASK_RUN_HPP */
