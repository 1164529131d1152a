/* What a cancel calls in a library that waits. Part of the adapters, not of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_ADAPTERS_CANCEL_CALL_HPP
#define DCC_CANCEL_ADAPTERS_CANCEL_CALL_HPP

#include <utility>

#include "../callback.hpp"
#include "../job.hpp"
#include "../token.hpp"

namespace dcc {
namespace detail {

/* Calls a callable once when any of what a callback_poll asks is cancelled, as cancel_callback does. */
template <class Callable> class cancel_call {
public:
    /* When what is current here is cancelled. */
    explicit cancel_call(Callable callable)
        : cancel_call(token::current(), job::current(), std::move(callable))
    {
    }

    /* When this token, in place of the current one, is cancelled. */
    cancel_call(const token &watched, Callable callable)
        : cancel_call(watched, job::current(), std::move(callable))
    {
    }

    /* When this job, in place of the current one, is cancelled. */
    cancel_call(const job &watched, Callable callable)
        : cancel_call(token::current(), watched, std::move(callable))
    {
    }

    /* Negative if it will not be called. Constructors throw that where exceptions are enabled. */
    dcc_status status() const noexcept { return linking_ < 0 ? linking_ : callback_.status(); }

private:
    cancel_call(const token &either, const job &other, Callable callable)
        : linking_(token::try_create(any_, {either, other.token()})),
          callback_(linked(), std::move(callable))
    {
    }

    const token &linked() const
    {
        throw_if_failed(linking_);
        return any_;
    }

    token any_;
    dcc_status linking_;
    cancel_callback<Callable> callback_;
};

} // namespace detail
} // namespace dcc

#endif /* DCC_CANCEL_ADAPTERS_CANCEL_CALL_HPP */
