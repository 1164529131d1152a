/* What is thrown where work stops because it is cancelled. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_CANCELLED_ERROR_HPP
#define DCC_CANCEL_CANCELLED_ERROR_HPP

#include <chrono>
#include <cstddef>
#include <cstring>
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
    /* For the current token, or the current job if it is that which is cancelled. */
    cancelled_error() noexcept : cancelled_error(is_by_job()) {}

    explicit cancelled_error(dcc_status status, dcc::token seen = {}) noexcept
        : token_(std::move(seen)), status_(status)
    {
        write_text();
    }

    /* Why it stopped: what was cancelled, and the reason, cut if that is long. */
    const char *what() const noexcept override { return text_; }

    /* DCC_CANCELLED_BY_TOKEN, DCC_CANCELLED_BY_JOB or DCC_POLL_GONE. */
    dcc_status status() const noexcept { return status_; }

    /* The token that was seen cancelled, of a job its own. Empty if it is no more. */
    const dcc::token &token() const noexcept { return token_; }

    dcc::cause cause() const noexcept { return token_.cause(); }
    std::string reason() const { return token_.reason(); }

private:
    explicit cancelled_error(bool by_job) noexcept
        : cancelled_error(by_job ? DCC_CANCELLED_BY_JOB : DCC_CANCELLED_BY_TOKEN,
                          dcc::token::share(by_job ? dcc_job_token(dcc_job_current())
                                                   : dcc_cancel_token_current()))
    {
    }

    static bool is_by_job() noexcept
    {
        return dcc_cancel_token_is_cancelled(dcc_cancel_token_current()) == DCC_OK &&
               dcc_job_is_cancelled(dcc_job_current()) > 0;
    }

    /* No memory is needed to throw this, or to copy it. */
    void write_text() noexcept
    {
        const auto add = [this](const char *text) {
            const std::size_t used = std::strlen(text_);
            std::strncat(text_, text, sizeof text_ - 1 - used);
        };
        add(dcc_status_string(status_));
        char reason[128] = "";
        dcc_cancel_token_reason(token_.get(), reason, sizeof reason, nullptr);
        if (*reason != '\0') {
            add(": ");
            add(reason);
        }
    }

    dcc::token token_;
    dcc_status status_;
    char text_[192] = "";
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
