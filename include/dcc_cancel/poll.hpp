/* Polls and the probe. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_POLL_HPP
#define DCC_CANCEL_POLL_HPP

#include <cstdint>

#include "cancelled_error.hpp"
#include "config.hpp"
#include "token.hpp"

namespace dcc {

namespace detail {

inline dcc_status poll_at(dcc_poll_pair polled, const char *file, std::uint32_t line) noexcept
{
    return dcc_poll_at(polled, file, line);
}
inline dcc_status poll_at(dcc_poll_layer polled, const char *file, std::uint32_t line) noexcept
{
    return dcc_poll_one_at(polled, file, line);
}

/* The token of a layer. */
inline token token_of(dcc_poll_layer polled) noexcept
{
    const auto bits = static_cast<std::uintptr_t>(polled.expected & DCC_POLL_HANDLE);
    return token::share(reinterpret_cast<const dcc_cancel_token *>(bits));
}
inline token seen_by(dcc_poll_layer polled, dcc_status) noexcept { return token_of(polled); }
inline token seen_by(dcc_poll_pair polled, dcc_status status) noexcept
{
    return token_of(status == DCC_CANCELLED_BY_JOB ? polled.job : polled.token);
}

/* The poll of a snapshot. Keep it in a local variable, so that it stays in registers. */
template <class Snapshot> class basic_poller {
public:
    /* Whether to stop. */
    bool operator()(DCC_CANCEL_HERE_) const noexcept { return status(file, line) != DCC_OK; }

    /* Why to stop; DCC_OK: go on. */
    dcc_status status(DCC_CANCEL_HERE_) const noexcept { return poll_at(snapshot_, file, line); }

#if DCC_CANCEL_EXCEPTIONS
    void throw_if_cancelled(DCC_CANCEL_HERE_) const
    {
        if (const dcc_status why = status(file, line))
            throw cancelled_error(why, seen_by(snapshot_, why));
    }
#endif

protected:
    explicit basic_poller(Snapshot snapshot) noexcept : snapshot_(snapshot) {}

private:
    Snapshot snapshot_;
};

} // namespace detail

/* The poll for loops: a snapshot of what is current when it is made. It holds no reference; see
 * dcc_poll_current. */
class poller : public detail::basic_poller<dcc_poll_pair> {
public:
    explicit poller(DCC_CANCEL_HERE_) noexcept : basic_poller(dcc_poll_current_at(file, line)) {}
};

/* The poll of one given token. Keep the token as long as you poll. */
class token_poller : public detail::basic_poller<dcc_poll_layer> {
public:
    explicit token_poller(const token &polled) noexcept : basic_poller(dcc_poll_of(polled.get())) {}
};

/* Whether this thread's work should stop, without a snapshot. For code that asks once in a while. */
inline bool is_cancelled() noexcept { return dcc_check_cancelled() != DCC_OK; }

/* Whether a posted job's callable should give the tick back by returning step::again: because the slice is
 * over, or because of a cancel, with which the job then ends as cancelled. For inner loops; see
 * dcc_slice_is_over. */
inline bool slice_is_over() noexcept { return dcc_slice_is_over() != DCC_OK; }

#if DCC_CANCEL_EXCEPTIONS
inline void throw_if_cancelled()
{
    const dcc_status why = dcc_check_cancelled();
    if (why == DCC_CANCELLED_BY_JOB)
        throw cancelled_error(why, token::share(dcc_job_token(dcc_job_current())));
    if (why != DCC_OK)
        throw cancelled_error(why, token::current());
}
#endif

} // namespace dcc

#endif /* DCC_CANCEL_POLL_HPP */
