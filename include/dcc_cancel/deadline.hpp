/* Deadlines for a scope. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_DEADLINE_HPP
#define DCC_CANCEL_DEADLINE_HPP

#include <chrono>
#include <utility>

#include "error.hpp"
#include "token.hpp"

namespace dcc {

/* Cancels a token (cause::deadline) unless the scope ends before. A token has one deadline: a new one
 * replaces it, and is cleared at the end of its own scope. So code that does not know who else sets deadlines
 * limits a part of its work by a child token that it makes current:
 *
 *     const dcc::token part = dcc::token::create_below_current();
 *     const dcc::deadline limit(part, std::chrono::seconds(30));
 *     const dcc::token_scope current(part); */
class deadline {
public:
    template <class Rep, class Period>
    deadline(token limited, std::chrono::duration<Rep, Period> from_now)
        : token_(std::move(limited)), status_(token_.try_set_deadline_after(from_now))
    {
        detail::throw_if_failed(status_);
    }

    template <class Clock, class Duration>
    deadline(token limited, std::chrono::time_point<Clock, Duration> at)
        : token_(std::move(limited)), status_(token_.try_set_deadline(at))
    {
        detail::throw_if_failed(status_);
    }

    /* The new object now clears the deadline at its end; the old one does nothing. */
    deadline(deadline &&other) noexcept : token_(std::move(other.token_)), status_(other.status_) {}
    deadline &operator=(deadline &&other) noexcept
    {
        if (this != &other) {
            /* If both have the same token, the other's deadline has replaced this one's. */
            if (token_ != other.token_)
                clear();
            token_ = std::exchange(other.token_, token());
            status_ = other.status_;
        }
        return *this;
    }
    ~deadline() { clear(); }

    /* DCC_OK: the deadline was set. Otherwise it was not: DCC_ALREADY_CANCELLED, DCC_SEALED if the token's
     * job or request is sealed, or a negative status. */
    dcc_status status() const noexcept { return status_; }

    /* Clears the deadline before the scope ends. True: it was set, and cancels no more. */
    bool clear() noexcept { return std::exchange(token_, token()).clear_deadline(); }

private:
    token token_;
    dcc_status status_;
};

} // namespace dcc

#endif /* DCC_CANCEL_DEADLINE_HPP */
