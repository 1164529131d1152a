/* Ending a job whose code failed or stopped. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_FAILURE_HPP
#define DCC_CANCEL_FAILURE_HPP

#include <cstddef>

#include "../dcc_cancel.h"

namespace dcc {

namespace detail {

/* Calls `end` with a text of any length in any encoding, such as an exception's what(). If the library
 * refuses the text, it is cut and each byte that is not ASCII is replaced by a question mark. */
template <class End> void end_with_text(const char *what, End end) noexcept
{
    if (end(what, static_cast<std::size_t>(DCC_NUL_TERMINATED)) >= 0)
        return;
    char plain[512];
    std::size_t length = 0;
    for (; length < sizeof plain && what[length] != '\0'; ++length)
        plain[length] = static_cast<unsigned char>(what[length]) < 0x80 ? what[length] : '?';
    end(plain, length);
}

/* Ends a job as failed, with `what` as its message. */
inline void fail(const dcc_job *job, const char *what) noexcept
{
    end_with_text(what, [job](const char *text, std::size_t length) {
        return dcc_job_fail(job, text, length);
    });
}

/* Ends a job whose code has thrown: as cancelled if the code was told to stop before, else as failed. */
inline void end_by_error(const dcc_job *job, const char *what, bool was_told = false) noexcept
{
    end_with_text(what, [job, was_told](const char *text, std::size_t length) {
        return dcc_job_end_by_error(job, was_told ? 1 : 0, text, length);
    });
}

/* Ends a job whose code has returned false, on the thread where it did. */
inline void end_by_false(const dcc_job *job) noexcept
{
    const bool is_cancelled = dcc_check_cancelled() != DCC_OK || dcc_job_is_cancelled(job) > 0;
    if (is_cancelled)
        dcc_job_acknowledge_cancel(job);
    else
        end_by_error(job, "it answered false");
}

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_FAILURE_HPP */
