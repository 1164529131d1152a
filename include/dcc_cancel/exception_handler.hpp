/* The handler for exceptions of callbacks. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_EXCEPTION_HANDLER_HPP
#define DCC_CANCEL_EXCEPTION_HANDLER_HPP

#include <atomic>
#include <cstdio>
#include <exception>
#include <utility>

#include "config.hpp"

namespace dcc {

#if DCC_CANCEL_EXCEPTIONS

/* Called with an exception of a callback, on the thread where the callback ran. */
using exception_handler = void (*)(std::exception_ptr thrown) noexcept;

namespace detail {

inline void print_exception(std::exception_ptr thrown) noexcept
{
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception &exception) {
        std::fprintf(stderr, "dcc-cancel: a callback threw: %s\n", exception.what());
    } catch (...) {
        std::fputs("dcc-cancel: a callback threw what is no std::exception\n", stderr);
    }
}

DCC_CANCEL_HIDDEN_ inline std::atomic<exception_handler> callback_exception_handler{print_exception};

} // namespace detail

/* Sets this plugin's handler for exceptions of its callbacks, its completions and its dispatchers' functions,
 * for instance to write them to the host's log. Returns the handler before. The first handler, which nullptr
 * brings back, writes to stderr.
 *
 * An exception has nowhere else to go: the caller, which cancels or pumps, is another plugin or the host and
 * must not be unwound, and std::terminate, which std::stop_callback calls, would cost the artist unsaved
 * work. Other callbacks of the same cancel still run. */
DCC_CANCEL_HIDDEN_ inline exception_handler
set_callback_exception_handler(exception_handler handler) noexcept
{
    if (handler == nullptr)
        handler = detail::print_exception;
    return detail::callback_exception_handler.exchange(handler);
}

#endif

namespace detail {

/* Calls a function that must not unwind into the library. False: it threw, and the handler was called. */
template <class Function> DCC_CANCEL_HIDDEN_ bool call_guarded(Function &&function) noexcept
{
#if DCC_CANCEL_EXCEPTIONS
    try {
        std::forward<Function>(function)();
    } catch (...) {
        callback_exception_handler.load()(std::current_exception());
        return false;
    }
#else
    std::forward<Function>(function)();
#endif
    return true;
}

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_EXCEPTION_HANDLER_HPP */
