/* Failing a job with the text of an exception. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_FAILURE_HPP
#define DCC_CANCEL_FAILURE_HPP

#include <cstddef>

#include "../dcc_cancel.h"

namespace dcc {

namespace detail {

/* Fails a job with a text of any length in any encoding, as `what` may have it: what the library
 * does not take is cut, and question marks are put for what is not ASCII. */
inline void fail(const dcc_job *job, const char *what) noexcept
{
    if (dcc_job_fail(job, what, DCC_NUL_TERMINATED) >= 0)
        return;
    char plain[512];
    std::size_t length = 0;
    for (; length < sizeof plain && what[length] != '\0'; ++length)
        plain[length] = static_cast<unsigned char>(what[length]) < 0x80 ? what[length] : '?';
    dcc_job_fail(job, plain, length);
}

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_FAILURE_HPP */
