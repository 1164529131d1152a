/* The callables that the library calls, and where their exceptions go. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_SHARED_CALLABLE_HPP
#define DCC_CANCEL_SHARED_CALLABLE_HPP

#include <atomic>
#include <cstdio>
#include <exception>
#include <new>
#include <utility>

#include "error.hpp"
#include "owner.hpp"
#include "token.hpp"

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
        std::fprintf(stderr, "dcc-cancel: a cancel callback threw: %s\n", exception.what());
    } catch (...) {
        std::fputs("dcc-cancel: a cancel callback threw what is no std::exception\n", stderr);
    }
}

DCC_CANCEL_HIDDEN_ inline std::atomic<exception_handler> callback_exception_handler{print_exception};

} // namespace detail

/* Sets this plugin's handler for what its callbacks throw, for instance to write it to the host's
 * log, and returns the one before. The first one, which nullptr brings back, writes to stderr.
 *
 * An exception can go nowhere else: whoever cancels is another plugin or the host and must not be
 * unwound, and std::terminate, as std::stop_callback has it, would take the artist's unsaved work
 * along. The cancel itself is not disturbed: other callbacks run. */
DCC_CANCEL_HIDDEN_ inline exception_handler
set_callback_exception_handler(exception_handler handler) noexcept
{
    if (handler == nullptr)
        handler = detail::print_exception;
    return detail::callback_exception_handler.exchange(handler);
}

#endif

namespace detail {

/* A callable on the heap with its users: the library, and perhaps an object that unregisters it.
 * Who lets go last deletes it; so it outlives its own call, whatever that destroys. */
template <class Callable> class shared_callable {
public:
    /* Null if there is no memory. */
    template <class Init> static shared_callable *create(Init &&callable, int users)
    {
        return new (std::nothrow) shared_callable(std::forward<Init>(callable), users);
    }

    /* Registers it, and deletes it if that fails. */
    static dcc_status enroll(shared_callable *callable, const token &when, const owner &plugin,
                             dcc_registration **out)
    {
        if (callable == nullptr)
            return DCC_ERROR_RESOURCES;
        const dcc_status status =
            dcc_cancel_token_register(when.get(), call, callable, let_go, plugin.get(), out);
        if (status < 0)
            delete callable;
        return status;
    }

    static void let_go(void *user_data) noexcept
    {
        auto *self = static_cast<shared_callable *>(user_data);
        if (self->users_.fetch_sub(1, std::memory_order_acq_rel) == 1)
            delete self;
    }

private:
    template <class Init>
    shared_callable(Init &&callable, int users) : callable_(std::forward<Init>(callable)), users_(users)
    {
    }

    DCC_CANCEL_HIDDEN_ static void call(const dcc_cancel_token *, void *user_data) noexcept
    {
        auto &self = *static_cast<shared_callable *>(user_data);
#if DCC_CANCEL_EXCEPTIONS
        try {
            std::forward<Callable>(self.callable_)();
        } catch (...) {
            callback_exception_handler.load()(std::current_exception());
        }
#else
        std::forward<Callable>(self.callable_)();
#endif
    }

    Callable callable_;
    std::atomic<int> users_;
};

/* Registers a callable for good: it is destroyed after its call, or when the token is gone. */
template <class Callable>
dcc_status attach(const token &when, Callable callable, const owner &plugin)
{
    using shared = shared_callable<Callable>;
    return shared::enroll(shared::create(std::move(callable), 1), when, plugin, nullptr);
}

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_SHARED_CALLABLE_HPP */
