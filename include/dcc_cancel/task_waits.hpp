/* What a task may await, besides other tasks. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_TASK_WAITS_HPP
#define DCC_CANCEL_TASK_WAITS_HPP

#include "is_task.hpp"

#if DCC_CANCEL_COROUTINES

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <utility>

#include "config.hpp"
#include "job.hpp"
#include "task_run.hpp"
#include "time.hpp"
#include "token.hpp"

namespace dcc {

/* `co_await dcc::slice()` gives the tick back if the slice is over, see dcc_slice_is_over, and goes on in the
 * next tick. If the slice is not over, it costs as little as that function. For inner loops. */
struct slice {
};

/* `co_await dcc::woken()` sleeps until `job::wake` is called for the task's job, and costs no time in a tick
 * until then. The waking thread first publishes what the task waits for, then wakes. The loop `while
 * (!is_ready) co_await dcc::woken();` misses no wake, and may go round without a reason. */
struct woken {
};

namespace detail {

class slice_awaiter {
public:
    explicit slice_awaiter(task_run &run) noexcept : run_(run) {}

    bool await_ready() noexcept
    {
        status_ = dcc_slice_is_over();
        return status_ == DCC_OK || (status_ != DCC_RUN_AGAIN && run_.may_tell());
    }
    void await_suspend(std::coroutine_handle<>) noexcept { run_.suspend(status_); }
    void await_resume()
    {
        if (status_ != DCC_OK)
            run_.tell();
    }

private:
    task_run &run_;
    dcc_status status_ = DCC_OK;
};

/* Sleeps until a wait is over. `Wait` begins the wait, and says whether it is over; one that may
 * become endless says so by `go_on`. */
template <class Wait> class sleeping_awaiter {
public:
    template <class... Given>
    explicit sleeping_awaiter(task_run &run, Given &&...given) noexcept
        : run_(run), wait_(std::forward<Given>(given)...)
    {
    }
    sleeping_awaiter(const sleeping_awaiter &) = delete;
    sleeping_awaiter &operator=(const sleeping_awaiter &) = delete;

    bool await_ready() noexcept
    {
        status_ = dcc_check_cancelled();
        return status_ != DCC_OK ? run_.may_tell() : wait_.is_over();
    }
    void await_suspend(std::coroutine_handle<>) noexcept
    {
        if (status_ != DCC_OK) {
            run_.suspend(status_);
        } else if (!run_.has_failed(wait_.begin(run_.work()))) {
            const auto is_over = [](const void *self) {
                return static_cast<const sleeping_awaiter *>(self)->is_over();
            };
            run_.sleep(is_over, this);
        }
    }
    decltype(auto) await_resume()
    {
        run_.tell();
        return wait_.result();
    }

private:
    /* Called when the task is woken. A wait that cannot come to its end fails the job. */
    bool is_over() const noexcept
    {
        if (wait_.is_over())
            return true;
        if constexpr (requires { wait_.go_on(); })
            return run_.has_failed(wait_.go_on());
        else
            return false;
    }

    task_run &run_;
    dcc_status status_ = DCC_OK;
    Wait wait_;
};

class wait_for_wake {
public:
    /* A task that sleeps here is only called again by a wake. */
    bool is_over() const noexcept { return has_begun_; }
    dcc_status begin(const dcc_job *) noexcept
    {
        has_begun_ = true;
        return DCC_OK;
    }
    void result() const noexcept {}

private:
    bool has_begun_ = false;
};

/* A registration that wakes a job. Only the library's code runs at a cancel, so unregistering need not wait.
 */
class waking_registration {
public:
    waking_registration() = default;
    waking_registration(const waking_registration &) = delete;
    waking_registration &operator=(const waking_registration &) = delete;
    ~waking_registration() { dcc_registration_unregister_no_wait(registration_); }

    dcc_status begin(const token &when, const dcc_job *sleeper) noexcept
    {
        return dcc_job_wake_at_cancel(sleeper, when.get(), &registration_);
    }

private:
    dcc_registration *registration_ = nullptr;
};

/* Waits for a job's end, and holds the job meanwhile: so the wait cannot end because the job is gone. */
class wait_for_end {
public:
    explicit wait_for_end(job awaited) noexcept : job_(std::move(awaited)) {}

    bool is_over() const noexcept { return dcc_job_wait(job_.get(), 0) != DCC_TIMED_OUT; }
    dcc_status begin(const dcc_job *sleeper) noexcept { return dcc_job_wake_at_end(sleeper, job_.get()); }
    job_state result() const noexcept { return job_.state(); }

private:
    job job_;
};

class wait_for_token {
public:
    explicit wait_for_token(token when) noexcept : token_(std::move(when)) {}

    bool is_over() const noexcept { return token_.is_cancelled(); }
    dcc_status begin(const dcc_job *sleeper) noexcept { return registration_.begin(token_, sleeper); }
    void result() const noexcept {}

private:
    token token_;
    waking_registration registration_;
};

/* Waits by the deadline of a token of its own, which is the library's timer. */
class wait_for_time {
public:
    explicit wait_for_time(std::uint64_t nanoseconds) noexcept : nanoseconds_(nanoseconds) {}

    bool is_over() const noexcept { return nanoseconds_ == 0 || timer_.is_cancelled(); }
    dcc_status begin(const dcc_job *sleeper) noexcept
    {
        if (nanoseconds_ == DCC_NO_LIMIT)
            return DCC_OK;
        dcc_status status = token::try_create(timer_);
        if (status >= 0)
            status = registration_.begin(timer_, sleeper);
        if (status >= 0)
            status = dcc_cancel_token_set_deadline_after(timer_.get(), nanoseconds_);
        return status;
    }
    /* Whether the time can still come, when it has not. dcc_shutdown clears the deadline and wakes the task.
     * A deadline that has just passed is gone, too: so a new one is set, which the shutdown refuses. */
    dcc_status go_on() const noexcept
    {
        std::uint64_t at_ns = 0;
        const bool has_deadline = dcc_cancel_token_deadline(timer_.get(), &at_ns) == DCC_OK;
        if (nanoseconds_ == DCC_NO_LIMIT || has_deadline)
            return DCC_OK;
        return dcc_cancel_token_set_deadline_after(timer_.get(), 1);
    }
    void result() const noexcept {}

private:
    std::uint64_t nanoseconds_;
    token timer_;
    waking_registration registration_;
};

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_COROUTINES */

#endif /* DCC_CANCEL_TASK_WAITS_HPP */
