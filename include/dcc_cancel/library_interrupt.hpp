/* What a cancel calls in a library that waits. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_LIBRARY_INTERRUPT_HPP
#define DCC_CANCEL_LIBRARY_INTERRUPT_HPP

#include <utility>

#include "callback.hpp"
#include "job.hpp"
#include "token.hpp"

namespace dcc {

/* Calls a callable once when any of what a library_call asks is cancelled, as cancel_callback does: for the
 * library's own function that interrupts it, where it waits without asking. Beside a library_call let it be
 * the last member: nothing is interrupted any more once it is gone. */
template <class Callable> class library_interrupt {
public:
    /* When what is current here is cancelled. */
    explicit library_interrupt(Callable callable)
        : library_interrupt(token::current(), job::current(), std::move(callable))
    {
    }

    /* When this token, in place of the current one, is cancelled. */
    library_interrupt(const token &watched, Callable callable)
        : library_interrupt(watched, job::current(), std::move(callable))
    {
    }

    /* When this job, in place of the current one, is cancelled. */
    library_interrupt(const job &watched, Callable callable)
        : library_interrupt(token::current(), watched, std::move(callable))
    {
    }

    /* Negative if it will not be called. Constructors throw that where exceptions are enabled. */
    dcc_status status() const noexcept { return linking_ < 0 ? linking_ : callback_.status(); }

private:
    library_interrupt(const token &either, const job &other, Callable callable)
        : linking_(token::try_create(any_, {either, other.token()})),
          callback_(linked(), std::move(callable))
    {
    }

    const token &linked() const
    {
        detail::throw_if_failed(linking_);
        return any_;
    }

    token any_;
    dcc_status linking_;
    cancel_callback<Callable> callback_;
};

} // namespace dcc

#endif /* DCC_CANCEL_LIBRARY_INTERRUPT_HPP */
