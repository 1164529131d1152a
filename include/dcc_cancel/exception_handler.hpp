/* Where the exceptions of callbacks go. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_EXCEPTION_HANDLER_HPP
#define DCC_CANCEL_EXCEPTION_HANDLER_HPP

#include <atomic>
#include <cstdio>
#include <exception>
#include <utility>

#include "config.hpp"

namespace dcc {

#if DCC_CANCEL_EXCEPTIONS

/* Told what a callback threw, on the thread where it ran. */
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

/* Sets this plugin's handler for what its callbacks throw (also completions and the functions of
 * its dispatchers), for instance to write it to the host's log, and returns the one before. The
 * first one, which nullptr brings back, writes to stderr.
 *
 * An exception can go nowhere else: whoever cancels or pumps is another plugin or the host and must
 * not be unwound, and std::terminate, as std::stop_callback has it, would take the artist's unsaved
 * work along. What is under way is not disturbed: other callbacks run. */
DCC_CANCEL_HIDDEN_ inline exception_handler
set_callback_exception_handler(exception_handler handler) noexcept
{
    if (handler == nullptr)
        handler = detail::print_exception;
    return detail::callback_exception_handler.exchange(handler);
}

#endif

namespace detail {

/* Calls what must not unwind into the library. False: it threw, and the handler was told. */
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
