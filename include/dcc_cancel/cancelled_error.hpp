/* What is thrown where work stops because it is cancelled. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_CANCELLED_ERROR_HPP
#define DCC_CANCEL_CANCELLED_ERROR_HPP

#include <chrono>
#include <exception>
#include <string>
#include <utility>

#include "config.hpp"
#include "token.hpp"

namespace dcc {

/* Thrown by throw_if_cancelled; throw it yourself where you stop for a cancel that you saw in another way.
 * Let it pass, so that what you hold is released on its way. */
class cancelled_error : public std::exception {
public:
    /* For the current token. */
    cancelled_error() noexcept : cancelled_error(DCC_CANCELLED_BY_TOKEN, dcc::token::current()) {}

    explicit cancelled_error(dcc_status status, dcc::token seen = {}) noexcept
        : token_(std::move(seen)), status_(status)
    {
    }

    const char *what() const noexcept override { return dcc_status_string(status_); }

    /* DCC_CANCELLED_BY_TOKEN, DCC_CANCELLED_BY_JOB or DCC_POLL_GONE. */
    dcc_status status() const noexcept { return status_; }

    /* The token that was seen cancelled, of a job its own. Empty if it is no more. */
    const dcc::token &token() const noexcept { return token_; }

    dcc::cause cause() const noexcept { return token_.cause(); }
    std::string reason() const { return token_.reason(); }

private:
    dcc::token token_;
    dcc_status status_;
};

#if DCC_CANCEL_EXCEPTIONS

/* Throws if this token is cancelled, or is no more. */
inline void throw_if_cancelled(const token &asked)
{
    if (const dcc_status status = dcc_cancel_token_is_cancelled(asked.get()))
        throw cancelled_error(status < 0 ? DCC_POLL_GONE : status, asked);
}

inline void token::throw_if_cancelled() const
{
    dcc::throw_if_cancelled(*this);
}

#endif

} // namespace dcc

#endif /* DCC_CANCEL_CANCELLED_ERROR_HPP */
