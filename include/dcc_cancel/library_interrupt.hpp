/* Interrupting another library that waits. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_LIBRARY_INTERRUPT_HPP
#define DCC_CANCEL_LIBRARY_INTERRUPT_HPP

#include <utility>

#include "callback.hpp"
#include "job.hpp"
#include "token.hpp"

namespace dcc {

/* Calls a callable once when the token or the job that a library_call asks is cancelled, as cancel_callback
 * does: for the library's own function that interrupts it while it waits without asking. Beside a
 * library_call let it be the last member: after its end nothing is interrupted any more. */
template <class Callable> class library_interrupt {
public:
    /* For what is current here. */
    explicit library_interrupt(Callable callable)
        : library_interrupt(token::current(), job::current(), std::move(callable))
    {
    }

    /* For this token in place of the current one, and the current job. */
    library_interrupt(const token &watched, Callable callable)
        : library_interrupt(watched, job::current(), std::move(callable))
    {
    }

    /* For this job in place of the current one, and the current token. */
    library_interrupt(const job &watched, Callable callable)
        : library_interrupt(token::current(), watched, std::move(callable))
    {
    }

    /* Negative: the callable will not be called. If exceptions are enabled, the constructors throw this. */
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
