/* What is thrown, where exceptions are enabled. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_ERROR_HPP
#define DCC_CANCEL_ERROR_HPP

#include <exception>

#include "../dcc_cancel.h"
#include "config.hpp"

namespace dcc {

/* Thrown by throw_if_cancelled. Let it pass, so that what you hold is released on its way. */
class cancelled_error : public std::exception {
public:
    explicit cancelled_error(dcc_status status) noexcept : status_(status) {}

    const char *what() const noexcept override { return dcc_status_string(status_); }

    /* DCC_CANCELLED_BY_TOKEN, DCC_CANCELLED_BY_JOB or DCC_POLL_GONE. */
    dcc_status status() const noexcept { return status_; }

private:
    dcc_status status_;
};

/* Thrown when something cannot be created or installed; what() says which value was wrong. */
class error : public std::exception {
public:
    explicit error(dcc_status status) noexcept : status_(status)
    {
        dcc_last_error(text_, sizeof text_, nullptr);
    }

    const char *what() const noexcept override
    {
        return text_[0] != '\0' ? text_ : dcc_status_string(status_);
    }

    dcc_status status() const noexcept { return status_; }

private:
    dcc_status status_;
    char text_[256] = {};
};

namespace detail {

inline void throw_if_failed(dcc_status status)
{
#if DCC_CANCEL_EXCEPTIONS
    if (status < 0)
        throw error(status);
#else
    static_cast<void>(status);
#endif
}

#if DCC_CANCEL_EXCEPTIONS
[[noreturn]] inline void throw_cancelled(dcc_status status)
{
    throw cancelled_error(status);
}
#endif

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_ERROR_HPP */
