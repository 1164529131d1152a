/* Deadlines for the length of a scope. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_DEADLINE_HPP
#define DCC_CANCEL_DEADLINE_HPP

#include <chrono>
#include <utility>

#include "error.hpp"
#include "token.hpp"

namespace dcc {

/* Cancels a token (cause::deadline) unless the scope ends before. A token has one deadline: another one takes
 * its place, and at the end of its scope there is none. So code that does not know who else has set one gives
 * a part of its work a limit by a child that it makes current:
 *
 *     const dcc::token part = dcc::token::create_below_current();
 *     const dcc::deadline limit(part, std::chrono::seconds(30));
 *     const dcc::token_scope current(part);
 */
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

    /* The scope of the deadline is the new object's; the old one has none. */
    deadline(deadline &&other) noexcept : token_(std::move(other.token_)), status_(other.status_) {}
    deadline &operator=(deadline &&other) noexcept
    {
        if (this != &other) {
            /* Of the same token the other one's has taken the place of this one's. */
            if (token_ != other.token_)
                clear();
            token_ = std::exchange(other.token_, token());
            status_ = other.status_;
        }
        return *this;
    }
    ~deadline() { clear(); }

    /* DCC_OK if it was set. Else there is none: negative, DCC_ALREADY_CANCELLED, or DCC_SEALED of a job that
     * has committed. */
    dcc_status status() const noexcept { return status_; }

    /* Before the scope ends. True if it was set and does not cancel any more. */
    bool clear() noexcept { return std::exchange(token_, token()).clear_deadline(); }

private:
    token token_;
    dcc_status status_;
};

} // namespace dcc

#endif /* DCC_CANCEL_DEADLINE_HPP */
