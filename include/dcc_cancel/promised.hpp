/* Jobs whose results are std::futures. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_PROMISED_HPP
#define DCC_CANCEL_PROMISED_HPP

#include "posting.hpp"

#if DCC_CANCEL_EXCEPTIONS

#include <exception>
#include <future>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace dcc {

namespace detail {

/* What a callable returns for a job. */
template <class Callable>
using result_of_job = decltype(call_for(std::declval<Callable &>(), std::declval<const job &>()));

/* Keeps a promise by what a callable returns or throws, or by how its job ended without it. */
template <class Callable> class promising {
    using result = result_of_job<Callable>;
    static_assert(!std::is_same_v<result, step>, "a step has no result; post it");

public:
    static constexpr bool awaits_end = true;

    template <class Init> explicit promising(Init &&callable) : callable_(std::forward<Init>(callable))
    {
    }

    std::future<result> future() { return promise_.get_future(); }

    std::int32_t operator()(const job &work)
    {
        try {
            if constexpr (std::is_void_v<result>) {
                call_for(callable_, work);
                if (is_kept_by_return(work))
                    promise_.set_value();
            } else {
                result value = call_for(callable_, work);
                if (is_kept_by_return(work))
                    promise_.set_value(std::forward<result>(value));
            }
        } catch (...) {
            is_kept_ = true;
            promise_.set_exception(std::current_exception());
            throw;
        }
        return DCC_OK;
    }

    void end(const job &work, job_state state)
    {
        if (is_kept_)
            return;
        if (state == job_state::cancelled)
            promise_.set_exception(std::make_exception_ptr(cancelled_error(DCC_CANCELLED_BY_JOB)));
        else if (state == job_state::failed)
            promise_.set_exception(std::make_exception_ptr(std::runtime_error(work.failure())));
    }

private:
    /* Not if the callable itself ended its job otherwise. */
    bool is_kept_by_return(const job &work) noexcept
    {
        const job_state state = work.state();
        is_kept_ = state == job_state::running || state == job_state::completed;
        return is_kept_;
    }

    Callable callable_;
    std::promise<result> promise_;
    bool is_kept_ = false;
};

} // namespace detail

} // namespace dcc

#endif

#endif /* DCC_CANCEL_PROMISED_HPP */
