/* Asking hosts' own checks while a thread waits. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_ASKING_HPP
#define DCC_CANCEL_ASKING_HPP

#include <chrono>
#include <cstdint>
#include <optional>

#include "time.hpp"
#include "token.hpp"

namespace dcc {

/* Asks hosts' own checks, as the waits of this library do: the is_cancelled of jobs that this thread may ask,
 * of `also` and of what is current here. For a thread that waits without this library, for instance for a
 * library's event or for a process. Returns after how long to call it again; nullopt if there is nothing to
 * ask on this thread. A job whose check answers "stop" is cancelled: look at the token afterwards. Hold no
 * lock that such a check, or a callback of the cancel, takes. */
inline std::optional<std::chrono::nanoseconds> ask_host(const token &also = token()) noexcept
{
    std::uint64_t again = DCC_NO_LIMIT;
    if (dcc_context_ask(also.get(), &again) < 0 || again == DCC_NO_LIMIT)
        return std::nullopt;
    return detail::duration_of(again);
}

namespace detail {

/* For a wait that looks again and again: asks hosts' checks when they are due. */
class asking {
public:
    explicit asking(const token &also) noexcept : also_(also) {}

    bool is_due(std::uint64_t now) const noexcept { return now >= next_; }

    /* Releases the lock while it asks: the host may need what the lock guards. */
    template <class Lock> void ask(Lock &lock)
    {
        lock.unlock();
        std::uint64_t again = DCC_NO_LIMIT;
        static_cast<void>(dcc_context_ask(also_.get(), &again));
        const std::uint64_t now = dcc_clock_now_ns();
        next_ = again < DCC_NO_LIMIT - now ? now + again : DCC_NO_LIMIT;
        lock.lock();
    }

    /* Shortens a wait so that it ends when checks are due again. */
    std::uint64_t at_most(std::uint64_t nanoseconds, std::uint64_t now) const noexcept
    {
        const std::uint64_t left = next_ > now ? next_ - now : 0;
        return nanoseconds < left ? nanoseconds : left;
    }

private:
    const token &also_;
    std::uint64_t next_ = 0;
};

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_ASKING_HPP */
