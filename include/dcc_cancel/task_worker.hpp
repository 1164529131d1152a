/* `co_await dcc::on_worker(...)`: work of a task on another thread. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_TASK_WORKER_HPP
#define DCC_CANCEL_TASK_WORKER_HPP

#include "is_task.hpp"

#if DCC_CANCEL_COROUTINES

#include <atomic>
#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "cancelled_error.hpp"
#include "condition.hpp"
#include "config.hpp"
#include "context.hpp"
#include "error.hpp"
#include "failure.hpp"
#include "job.hpp"
#include "posting.hpp"
#include "scope.hpp"
#include "task_result.hpp"
#include "task_run.hpp"

namespace dcc {

namespace detail {

/* A function for another thread, until it is awaited. */
template <class Function> class [[nodiscard]] worker_function {
public:
    template <class Init, class = std::enable_if_t<!std::is_same_v<std::decay_t<Init>, worker_function>>>
    explicit worker_function(Init &&function) : function_(std::forward<Init>(function))
    {
    }

    Function take() { return std::move(function_); }

private:
    Function function_;
};

} // namespace detail

/* `co_await dcc::on_worker(function)` calls a function without arguments on another thread, a worker of the
 * library or a thread of the host's pool (dispatcher_options::execute), and gives what the function returns
 * or throws. Meanwhile the task sleeps and the UI goes on:
 *
 *     auto read = [&path] { return read_mesh(path); };
 *     mesh loaded = co_await dcc::on_worker(read);
 *
 * The function may refer to variables of the coroutine: they live until it has returned. Its polls ask for
 * the task's cancel, and its shares of progress are in the task's bar. The result is a value, or nothing.
 *
 * If the task is cancelled, it still waits for the function: the result is given, and the next co_await tells
 * of the cancel; without exceptions the frame is destroyed then. A function that no thread has begun by the
 * time of the cancel is never called. The close of the dispatcher or of the owner cancels the function and
 * waits for its return: so let it poll, and let it not wait for the dispatcher's thread.
 *
 * If a post would be refused, so is this: co_await throws overloaded_error or error; without exceptions the
 * job fails. If the dispatcher or the owner is being closed, the task ends as interrupted instead.
 *
 * Give the function a name, as above: g++ 12 destroys the captures of a lambda twice that stands inside the
 * co_await. */
template <class Function> detail::worker_function<std::decay_t<Function>> on_worker(Function &&function)
{
    return detail::worker_function<std::decay_t<Function>>(std::forward<Function>(function));
}

namespace detail {

/* A call on another thread, shared by the task and by the job that is posted for it. */
template <class Function> class worker_call {
public:
    using result = std::invoke_result_t<Function &>;
    static_assert(!std::is_reference_v<result>, "what a worker does gives a value; let it give a pointer");

    worker_call(Function &&function, const dcc_job *sleeper)
        : function_(std::move(function)), context_(context::capture()), sleeper_(sleeper)
    {
    }
    worker_call(const worker_call &) = delete;
    worker_call &operator=(const worker_call &) = delete;

    /* Whether the function has returned, or is never called. */
    bool is_over() const noexcept
    {
        const stage now = stage_.load(std::memory_order_acquire);
        return now == stage::done || now == stage::left_out;
    }
    bool was_called() const noexcept { return stage_.load(std::memory_order_acquire) == stage::done; }

    /* Ensures that the function does not run any more: leaves it out, or cancels it and waits. `work` is the
     * job that runs it. */
    void end(const job &work) noexcept
    {
        if (leave_out() || is_over())
            return;
        work.cancel("the task that awaits it was ended");
        std::unique_lock<std::mutex> lock(mutex_);
        const token none;
        const auto is_done = [this] { return is_over(); };
        wait_at_most(changed_, lock, none, DCC_NO_LIMIT, is_done);
    }

    /* Returns or throws what the function has. */
    result take(task_run &run)
    {
#if DCC_CANCEL_EXCEPTIONS
        if (thrown_) {
            try {
                std::rethrow_exception(std::exchange(thrown_, nullptr));
            } catch (const cancelled_error &) {
                run.note_told();
                throw;
            }
        }
#else
        static_cast<void>(run);
#endif
        return result_.take_value();
    }

    /* Fills in the functions of a descriptor. `call` then belongs to the job. */
    static void describe(dcc_post_desc &desc, std::shared_ptr<worker_call> *call) noexcept
    {
        desc.function = run;
        desc.user_data = call;
        desc.destroy = destroy;
    }

private:
    enum class stage { waiting, running, done, left_out };
    using reference = std::shared_ptr<worker_call>;

    bool advance(stage from, stage to) noexcept
    {
        return stage_.compare_exchange_strong(from, to, std::memory_order_acq_rel);
    }

    /* Decides that the function is never called. False: it was called, or that was decided before. */
    bool leave_out() noexcept
    {
        const bool is_by_this_call = advance(stage::waiting, stage::running);
        if (is_by_this_call)
            finish(stage::left_out);
        return is_by_this_call;
    }

    /* Called when the function uses nothing of the frame any more. The task may end as soon as `stage_` is
     * stored. */
    void finish(stage how) noexcept
    {
        function_.reset();
        const dcc_job *const sleeper = sleeper_;
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            stage_.store(how, std::memory_order_release);
            changed_.notify_all();
        }
        dcc_job_wake(sleeper);
    }

    DCC_CANCEL_HIDDEN_ static std::int32_t run(const dcc_job *work, void *user_data) noexcept
    {
        worker_call &call = **static_cast<reference *>(user_data);
        if (!call.advance(stage::waiting, stage::running))
            return DCC_CANCELLED_BY_JOB;
        const std::int32_t answer = call.call_in_context(work);
        call.finish(stage::done);
        return answer;
    }

    std::int32_t call_in_context(const dcc_job *work) noexcept
    {
#if DCC_CANCEL_EXCEPTIONS
        try {
            call(work);
            return DCC_OK;
        } catch (const cancelled_error &) {
            thrown_ = std::current_exception();
            return DCC_CANCELLED_BY_JOB;
        } catch (const std::exception &thrown) {
            thrown_ = std::current_exception();
            end_by_error(work, thrown.what());
        } catch (...) {
            thrown_ = std::current_exception();
            end_by_error(work, "threw what is no std::exception");
        }
        return DCC_ERROR_INTERNAL; // it has ended
#else
        call(work);
        return DCC_OK;
#endif
    }

    void call(const dcc_job *work)
    {
        const context_scope entered(context_);
        const token_scope current(token::share(dcc_job_token(work)));
        if constexpr (std::is_void_v<result>)
            (*function_)();
        else
            result_.return_value((*function_)());
    }

    DCC_CANCEL_HIDDEN_ static void destroy(void *user_data) noexcept
    {
        const std::unique_ptr<reference> call(static_cast<reference *>(user_data));
        static_cast<void>((*call)->leave_out());
    }

    std::optional<Function> function_;
    task_result<result> result_;
#if DCC_CANCEL_EXCEPTIONS
    std::exception_ptr thrown_;
#endif
    context context_;
    const dcc_job *sleeper_;
    std::atomic<stage> stage_{stage::waiting};
    std::mutex mutex_;
    std::condition_variable changed_;
};

template <class Function> class worker_awaiter {
    using worker = worker_call<Function>;
    using result = typename worker::result;

public:
    worker_awaiter(task_run &run, worker_function<Function> &&given) : run_(run), function_(given.take()) {}
    worker_awaiter(const worker_awaiter &) = delete;
    worker_awaiter &operator=(const worker_awaiter &) = delete;
    ~worker_awaiter()
    {
        if (call_)
            call_->end(job_);
    }

    bool await_ready() noexcept
    {
        status_ = dcc_check_cancelled();
        return status_ != DCC_OK && run_.may_tell();
    }

    /* False: the post was refused, so the frame goes on at once and throws. */
    bool await_suspend(std::coroutine_handle<>)
    {
        if (status_ == DCC_OK)
            status_ = post();
        else
            run_.suspend(status_);
        if (!call_ && !waits_for_close())
            return status_ >= 0 || !DCC_CANCEL_EXCEPTIONS;
        const auto is_over = [](const void *self) {
            return static_cast<const worker_awaiter *>(self)->is_over();
        };
        /* The post was refused by a close, or because dcc_shutdown has ended the workers. The task gives the
         * tick back in both cases. A close then ends it: only after dcc_shutdown does it get another slice.
         * - An owner's close marks the owner for good before posts are refused. From then on no function of
         *   the owner is called. The close ends the task after this slice. If the close came to the task
         *   during the slice, it left the task's end to the thread that runs the slice.
         * - A dispatcher's close marks the queue for good before posts are refused. A slice that ends after
         *   that ends its job. */
        run_.sleep(is_over, this, call_ ? DCC_RUN_AWAY : DCC_RUN_AGAIN);
        return true;
    }

    result await_resume()
    {
        if (call_ && call_->was_called())
            return call_->take(run_);
        run_.tell();
        if (!waits_for_close())
            throw_if_refused(status_, admission_);
#if DCC_CANCEL_EXCEPTIONS
        if (call_ && job_.state() != job_state::interrupted) {
            throw cancelled_error(DCC_CANCELLED_BY_JOB, job_.token());
        }
        throw error(DCC_ERROR_SHUTDOWN, why_not_called());
#else
        std::terminate(); // a frame without a result must not go on
#endif
    }

private:
    /* Posts a job for the function. Negative: nothing was posted; without exceptions the job of the task
     * fails. */
    dcc_status post()
    {
        auto call = std::make_shared<worker>(std::move(function_), run_.work());
        auto kept = std::make_unique<std::shared_ptr<worker>>(call);
        char label[128] = "";
        std::size_t length = 0;
        dcc_job_label(run_.work(), label, sizeof label, &length);
        dcc_post_desc desc = {};
        desc.struct_size = sizeof desc;
        desc.flags = DCC_POST_ANY_THREAD | DCC_POST_BELOW_CURRENT;
        desc.label = label;
        desc.label_length = static_cast<std::size_t>(DCC_NUL_TERMINATED);
        desc.deadline_after_ns = DCC_NO_LIMIT;
        desc.owner = run_.owner();
        worker::describe(desc, kept.get());
        dcc_admission filled = {};
        filled.struct_size = sizeof filled;
        dcc_job *handle = nullptr;
        const dcc_status status = dcc_dispatcher_post(run_.dispatcher(), &desc, &handle, &filled);
        if (status >= 0) {
            static_cast<void>(kept.release()); // the job's now
            job_ = job::adopt(handle);
            call_ = std::move(call);
            return DCC_OK;
        }
        admission_ = {filled.depth, filled.capacity, duration_of(filled.retry_after_ns)};
        if (!DCC_CANCEL_EXCEPTIONS && status != DCC_ERROR_SHUTDOWN)
            static_cast<void>(run_.has_failed(status));
        return status;
    }

    /* Whether the post was refused by a close, or by the end of the library's threads. */
    bool waits_for_close() const noexcept { return status_ == DCC_ERROR_SHUTDOWN; }

    const char *why_not_called() const noexcept
    {
        return call_ ? "no worker has begun it before it was interrupted"
                     : "no worker begins it after dcc_shutdown";
    }

    /* Called in each later slice. Without exceptions a frame that has no result must not go on. */
    bool is_over() const noexcept
    {
        if (call_ && !call_->is_over())
            return false;
#if !DCC_CANCEL_EXCEPTIONS
        if (!call_ || !call_->was_called()) {
            const dcc_status why = dcc_check_cancelled();
            if (why == DCC_OK && (!call_ || job_.state() == job_state::interrupted))
                run_.fail(why_not_called());
            else
                run_.suspend(why != DCC_OK ? why : DCC_CANCELLED_BY_JOB);
        }
#endif
        return true;
    }

    task_run &run_;
    Function function_;
    dcc_status status_ = DCC_OK;
    admission admission_;
    job job_;
    std::shared_ptr<worker> call_;
};

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_COROUTINES */

#endif /* DCC_CANCEL_TASK_WORKER_HPP */
