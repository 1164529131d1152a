/* The exception for failures, if exceptions are enabled. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_ERROR_HPP
#define DCC_CANCEL_ERROR_HPP

#include <cstddef>
#include <exception>

#include "../dcc_cancel.h"
#include "config.hpp"

namespace dcc {

/* Thrown when something cannot be created or installed; what() says which value was wrong. */
class error : public std::exception {
public:
    explicit error(dcc_status status) noexcept : status_(status)
    {
        dcc_last_error(text_, sizeof text_, nullptr);
    }

    /* With a text of the caller's, of which the first 255 bytes are kept. */
    error(dcc_status status, const char *text) noexcept : status_(status)
    {
        for (std::size_t at = 0; at + 1 < sizeof text_ && text[at] != '\0'; ++at)
            text_[at] = text[at];
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

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_ERROR_HPP */
