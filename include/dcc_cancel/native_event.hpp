/* Native events for poll, epoll, WaitForMultipleObjects and toolkits' notifiers. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_NATIVE_EVENT_HPP
#define DCC_CANCEL_NATIVE_EVENT_HPP

#include <utility>

#include "../dcc_cancel.h"

namespace dcc {

/* An event of the operating system, closed with this object. token::native_event makes one that is set, and
 * stays set, when the token is cancelled or gone. */
class native_event {
public:
#if defined(_WIN32)
    /* A HANDLE for WaitForMultipleObjects and QWinEventNotifier. */
    using native_type = void *;
#else
    /* A file descriptor for poll (with POLLIN), epoll and QSocketNotifier. */
    using native_type = int;
#endif

    /* No event. */
    native_event() noexcept = default;
    native_event(native_event &&other) noexcept : event_(std::exchange(other.event_, DCC_NO_NATIVE_EVENT)) {}
    native_event &operator=(native_event &&other) noexcept
    {
        native_event taken(std::move(other));
        std::swap(event_, taken.event_);
        return *this;
    }
    ~native_event() { dcc_native_event_close(event_); }

    /* Takes over an event from a C function. */
    static native_event adopt(dcc_native_event event) noexcept
    {
        native_event result;
        result.event_ = event;
        return result;
    }

    explicit operator bool() const noexcept { return event_ != DCC_NO_NATIVE_EVENT; }

    /* Lent: good as long as this object. Do not read from it. */
    native_type native() const noexcept
    {
#if defined(_WIN32)
        return reinterpret_cast<native_type>(event_);
#else
        return static_cast<native_type>(event_);
#endif
    }

    /* Gives the event to the caller, who closes it. */
    [[nodiscard]] dcc_native_event detach() noexcept { return std::exchange(event_, DCC_NO_NATIVE_EVENT); }

private:
    dcc_native_event event_ = DCC_NO_NATIVE_EVENT;
};

} // namespace dcc

#endif /* DCC_CANCEL_NATIVE_EVENT_HPP */
