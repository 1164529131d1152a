/* The exception of work that stops because it is cancelled. Part of dcc_cancel.hpp. */

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

/* Thrown by throw_if_cancelled. Throw it yourself if you stop for a cancel that you learned of in another
 * way. Do not swallow it: what the work holds is released on its way. */
class cancelled_error : public std::exception {
public:
    /* For the current token; or for the current job, if the job is cancelled and the token is not. */
    cancelled_error() noexcept : cancelled_error(is_by_job()) {}

    explicit cancelled_error(dcc_status status, dcc::token seen = {}) noexcept
        : token_(std::move(seen)), status_(status)
    {
        write_text();
    }

    /* What was cancelled, and the reason, cut if it is long. */
    const char *what() const noexcept override { return text_; }

    /* DCC_CANCELLED_BY_TOKEN, DCC_CANCELLED_BY_JOB or DCC_POLL_GONE. */
    dcc_status status() const noexcept { return status_; }

    /* The token that was seen cancelled; a job's own token if it was a job. Empty if it is gone. */
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

    /* Allocates nothing: this can be thrown and copied when memory is out. */
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

/* Throws if this token is cancelled or gone. */
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
