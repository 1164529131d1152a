/* Jobs with a std::future as result. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_PROMISED_HPP
#define DCC_CANCEL_PROMISED_HPP

#include "cancelled_error.hpp"
#include "posting.hpp"
#include "shared_callable.hpp"

#if DCC_CANCEL_EXCEPTIONS

#include <atomic>
#include <exception>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace dcc {

namespace detail {

/* What a job's callable returns. */
template <class Callable>
using result_of_job = decltype(call_for(std::declval<Callable &>(), std::declval<const job &>()));

/* A promise, and whether it is taken: by the job's callable, or by a cancel that comes before the callable.
 */
template <class Result> class promise_of_job {
public:
    std::future<Result> future() { return promise_.get_future(); }

    /* Decides that the caller keeps the promise. False: it is taken already. */
    bool take() noexcept
    {
        bool is_taken = false;
        return is_taken_.compare_exchange_strong(is_taken, true, std::memory_order_acq_rel);
    }

    /* The promise, for the caller whose `take` answered true. */
    std::promise<Result> &get() noexcept { return promise_; }

    /* Breaks the promise at once, although a registration may still hold it. */
    void abandon() { promise_ = std::promise<Result>(); }

private:
    std::promise<Result> promise_;
    std::atomic<bool> is_taken_{false};
};

/* Makes the future of a job that has not run throw when the job is cancelled, without waiting for a pump. It
 * runs in the call that cancels, or on the library's callback thread, and calls no code of the user. */
template <class Result> class breaking_early {
public:
    explicit breaking_early(std::shared_ptr<promise_of_job<Result>> promise) noexcept
        : promise_(std::move(promise))
    {
    }

    void operator()(const token &cancelled)
    {
        if (promise_->take())
            promise_->get().set_exception(
                std::make_exception_ptr(cancelled_error(DCC_CANCELLED_BY_JOB, cancelled)));
    }

private:
    std::shared_ptr<promise_of_job<Result>> promise_;
};

/* Keeps a promise with what a callable returns or throws, or else with how its job ended. */
template <class Callable> class promising {
    using result = result_of_job<Callable>;
    static_assert(!std::is_same_v<result, step>, "a step has no result; post it");
    static_assert(!is_task<result>::value, "a task has its result only later; post it");

public:
    static constexpr bool awaits_end = true;
    static constexpr bool is_of_its_thread = false;
    static constexpr std::uint32_t flags = 0;

    template <class Init> explicit promising(Init &&callable) : callable_(std::forward<Init>(callable))
    {
    }
    promising(const promising &) = delete;
    promising &operator=(const promising &) = delete;
    ~promising()
    {
        if (!is_kept_ && (is_taken_ || promise_->take()))
            call_guarded([this] { promise_->abandon(); });
    }

    std::future<result> future() { return promise_->future(); }

    /* To be registered on the job's token. */
    breaking_early<result> early() const noexcept { return breaking_early<result>(promise_); }

    std::int32_t operator()(const job &work)
    {
        /* The future was already told that the callable does not run. */
        if (!take())
            return DCC_CANCELLED_BY_JOB;
        try {
            if constexpr (std::is_void_v<result>) {
                call_for(callable_, work);
                if (is_kept_by_return(work))
                    promise_->get().set_value();
            } else {
                result value = call_for(callable_, work);
                if (is_kept_by_return(work))
                    promise_->get().set_value(std::forward<result>(value));
            }
        } catch (const cancelled_error &stopped) {
            is_kept_ = true;
            /* A sealed job cannot end as cancelled: it fails. */
            if (work.is_sealed())
                keep_by(std::runtime_error(std::string("it stopped after its commit: ") + stopped.what()));
            else
                promise_->get().set_exception(std::current_exception());
            throw;
        } catch (...) {
            is_kept_ = true;
            promise_->get().set_exception(std::current_exception());
            throw;
        }
        return DCC_OK;
    }

    void end(const job &work, job_state state)
    {
        if (is_kept_ || !(is_taken_ || take()))
            return;
        if (state == job_state::cancelled)
            keep_by(cancelled_error(DCC_CANCELLED_BY_JOB, work.token()));
        else if (state == job_state::failed)
            keep_by(std::runtime_error(work.failure()));
    }

private:
    bool take() noexcept
    {
        is_taken_ = promise_->take();
        /* If it is not taken here, the cancel keeps it. */
        is_kept_ = !is_taken_;
        return is_taken_;
    }

    template <class Error> void keep_by(const Error &error)
    {
        is_kept_ = true;
        promise_->get().set_exception(std::make_exception_ptr(error));
    }

    /* False if the callable itself ended its job in another way. */
    bool is_kept_by_return(const job &work) noexcept
    {
        const job_state state = work.state();
        is_kept_ = state == job_state::running || state == job_state::completed;
        return is_kept_;
    }

    Callable callable_;
    std::shared_ptr<promise_of_job<result>> promise_ = std::make_shared<promise_of_job<result>>();
    /* Taken by this object, so no cancel keeps it. */
    bool is_taken_ = false;
    bool is_kept_ = false;
};

} // namespace detail

} // namespace dcc

#endif

#endif /* DCC_CANCEL_PROMISED_HPP */
