/* Coroutines as posted jobs, in C++20. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_TASK_HPP
#define DCC_CANCEL_TASK_HPP

#include "is_task.hpp"

#if DCC_CANCEL_COROUTINES

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "config.hpp"
#include "failure.hpp"
#include "job.hpp"
#include "posting.hpp"
#include "task_result.hpp"
#include "task_run.hpp"
#include "task_waits.hpp"
#include "task_worker.hpp"
#include "time.hpp"
#include "token.hpp"

namespace dcc {

namespace detail {

template <class Result> class task_promise;
template <class Result> class call_awaiter;

} // namespace detail

/* A coroutine that works slice by slice. It does nothing until it is posted to a dispatcher, or awaited:
 *
 *     dcc::task<> smooth(mesh &mesh)
 *     {
 *         for (vertex &v : mesh.vertices) {
 *             relax(v);
 *             co_await dcc::slice();               // to the next tick, if this one's share is used up
 *         }
 *     }
 *     ui.post("Smooth", smooth(mesh));
 *
 * It may co_await:
 * - `dcc::slice()`;
 * - another task, and gets its result or exception;
 * - a token, until it is cancelled;
 * - a job, until it has really ended, and gets its state;
 * - a std::chrono duration; dcc_shutdown fails a job that waits for one;
 * - `dcc::on_worker(function)`;
 * - `dcc::woken()`.
 *
 * A task that sleeps costs no time in a tick.
 *
 * A cancel reaches the task at a co_await: the next of these throws cancelled_error, once, in the next tick
 * and never inside the call that cancels, so guards roll back. If the task catches it and returns, the job
 * has completed, perhaps with a part of its work. If it catches it and awaits again, the job ends there as
 * cancelled. Between two awaits polls tell of a cancel. Without exceptions the frames are destroyed where
 * they await. A task that is cancelled before it began never begins. The close of the dispatcher or of the
 * owner destroys the frames where they await.
 *
 * Frames run, and are destroyed, on the dispatcher's thread, before the job's completion. If the dispatcher
 * is closed on another thread, the next pump on its own thread destroys them; without a pump they stay. The
 * close of an owner must not leave them, because their code may be unloaded: on another thread it waits until
 * a pump on the dispatcher's thread has destroyed them. Only if no pump can do that are they destroyed on the
 * closing thread: because the dispatcher's thread has ended, is stuck, has not pumped for ten seconds, or
 * waits in a call of this library for the closing thread, or because the dispatcher was closed before. So
 * close an owner on the dispatcher's thread, or while that pumps. A task that has not begun is destroyed with
 * its job, on any thread.
 *
 * As for all coroutines, references that are parameters, and the captures of a lambda, have to live as long
 * as the task. So post the lambda itself, `ui.post("Smooth", [mesh]() -> dcc::task<> { ... })`, which is then
 * kept, not the task that it returns. A job_scope, token_scope, context_scope or shield must not live across
 * a co_await; a dcc::progress and its steps may. A posted task returns nothing, or a bool as for dcc::run. */
template <class Result = void> class [[nodiscard]] task {
    static_assert(!std::is_reference_v<Result>, "a task gives a value; let it give a pointer");

public:
    using promise_type = detail::task_promise<Result>;

    /* No task. */
    task() noexcept = default;
    task(task &&other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    task &operator=(task &&other) noexcept
    {
        task old(std::move(*this));
        frame_ = std::exchange(other.frame_, nullptr);
        return *this;
    }
    ~task()
    {
        if (frame_)
            frame_.destroy();
    }

    /* Whether there is a task: it was not moved away, and there was memory for it. */
    explicit operator bool() const noexcept { return static_cast<bool>(frame_); }

private:
    friend detail::task_promise<Result>;
    friend detail::call_awaiter<Result>;

    explicit task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

    std::coroutine_handle<promise_type> frame_;
};

namespace detail {

/* Runs a task that another task awaits. The frame is destroyed with this object. */
template <class Result> class call_awaiter {
public:
    explicit call_awaiter(task<Result> &&called, task_frame *caller = nullptr) noexcept
        : caller_(caller), frame_(std::exchange(called.frame_, nullptr))
    {
    }
    call_awaiter(const call_awaiter &) = delete;
    call_awaiter &operator=(const call_awaiter &) = delete;
    ~call_awaiter()
    {
        if (frame_)
            frame_.destroy();
    }

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) noexcept { start(*caller_->run); }
    Result await_resume() { return promise().take(); }

    void start(task_run &run) noexcept
    {
        if (frame_)
            run.enter(promise(), caller_, frame_);
        else
            run.fail("the task was moved away, or there was no memory for it");
    }

private:
    task_promise<Result> &promise() const noexcept
    {
        return std::coroutine_handle<task_promise<Result>>::from_address(frame_.address()).promise();
    }

    task_frame *caller_;
    std::coroutine_handle<> frame_;
};

template <class Result> class task_promise : public task_frame, public task_result<Result> {
    struct returning {
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<task_promise> frame) const noexcept
        {
            frame.promise().run->leave();
        }
        void await_resume() const noexcept {}
    };

public:
    task<Result> get_return_object() noexcept
    {
        const auto frame = std::coroutine_handle<task_promise>::from_promise(*this);
        self = frame;
        return task<Result>(frame);
    }
#if !DCC_CANCEL_EXCEPTIONS
    static task<Result> get_return_object_on_allocation_failure() noexcept { return {}; }
#endif

    std::suspend_always initial_suspend() const noexcept { return {}; }
    returning final_suspend() const noexcept { return {}; }

    void unhandled_exception() noexcept
    {
#if DCC_CANCEL_EXCEPTIONS
        thrown_ = std::current_exception();
#else
        std::terminate();
#endif
    }

    Result take()
    {
#if DCC_CANCEL_EXCEPTIONS
        if (thrown_)
            std::rethrow_exception(std::exchange(thrown_, nullptr));
#endif
        return this->take_value();
    }

    slice_awaiter await_transform(slice) noexcept { return slice_awaiter(*run); }
    sleeping_awaiter<wait_for_wake> await_transform(woken) noexcept
    {
        return sleeping_awaiter<wait_for_wake>(*run);
    }
    sleeping_awaiter<wait_for_token> await_transform(token when) noexcept
    {
        return sleeping_awaiter<wait_for_token>(*run, std::move(when));
    }
    template <class Rep, class Period>
    sleeping_awaiter<wait_for_time> await_transform(std::chrono::duration<Rep, Period> time) noexcept
    {
        return sleeping_awaiter<wait_for_time>(*run, nanoseconds_of(time));
    }
    sleeping_awaiter<wait_for_end> await_transform(job awaited) noexcept
    {
        return sleeping_awaiter<wait_for_end>(*run, std::move(awaited));
    }
    template <class Function>
    worker_awaiter<Function> await_transform(worker_function<Function> &&given) noexcept
    {
        return worker_awaiter<Function>(*run, std::move(given));
    }
    template <class Given> call_awaiter<Given> await_transform(task<Given> &&called) noexcept
    {
        return call_awaiter<Given>(std::move(called), this);
    }
    /* The task would be empty afterwards: std::move it. */
    template <class Given> call_awaiter<Given> await_transform(task<Given> &called) = delete;

private:
#if DCC_CANCEL_EXCEPTIONS
    std::exception_ptr thrown_;
#endif
};

/* What a posted task is made from: a task, or a callable that returns one. */
template <class Source, bool is_made = is_task<Source>::value> struct source_of_task {
    using result = typename is_task<Source>::result;
    static task<result> make(Source &source) { return std::move(source); }
};
template <class Callable> struct source_of_task<Callable, false> {
    using result = typename is_task<std::invoke_result_t<Callable &>>::result;
    static task<result> make(Callable &callable) { return callable(); }
};

/* Turns the slices of a task into answers of a dcc_job_fn. A callable that makes the task is kept as long as
 * the task, because the task may refer to the callable's captures. */
template <class Source> class stepping {
    using result = typename source_of_task<Source>::result;
    static_assert(std::is_void_v<result> || std::is_same_v<result, bool>,
                  "a task that is posted gives nothing or bool; await others in one that does");

public:
    static constexpr bool awaits_end = true;
    static constexpr bool is_of_its_thread = true;
    static constexpr std::uint32_t flags = DCC_POST_UNWINDS;

    void post_to(const dcc_dispatcher *dispatcher, const dcc_owner *owner) noexcept
    {
        run_.post_to(dispatcher, owner);
    }

    /* The dispatcher on whose thread the frames must be destroyed, if that is another thread; else null. */
    const dcc_dispatcher *elsewhere() const noexcept { return run_.elsewhere(); }

    template <class Init> explicit stepping(Init &&source) : source_(std::forward<Init>(source)) {}

    std::int32_t operator()(const job &work)
    {
        run_.begin_slice(work.get());
        if (!called_) {
            called_.emplace(source_of_task<Source>::make(source_));
            called_->start(run_);
        }
        const std::int32_t answer = run_.go_on();
        if (answer != DCC_OK)
            return answer;
        if constexpr (std::is_void_v<result>)
            called_->await_resume();
        else if (!called_->await_resume())
            end_by_false(work.get());
        return DCC_OK;
    }

    /* Destroys all frames before the completion is called. */
    void end(const job &, job_state)
    {
        run_.destroy();
        called_.reset();
    }

private:
    Source source_;
    std::optional<call_awaiter<result>> called_;
    task_run run_;
};

template <class Source>
struct work_of<Source, std::enable_if_t<is_task<Source>::value || makes_task<Source>::value>> {
    using type = stepping<Source>;
};

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_COROUTINES */

#endif /* DCC_CANCEL_TASK_HPP */
