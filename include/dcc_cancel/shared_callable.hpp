/* Callables for cancels. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_SHARED_CALLABLE_HPP
#define DCC_CANCEL_SHARED_CALLABLE_HPP

#include <atomic>
#include <new>
#include <type_traits>
#include <utility>

#include "error.hpp"
#include "exception_handler.hpp"
#include "owner.hpp"
#include "token.hpp"

namespace dcc {

namespace detail {

/* Whether a callable takes no arguments; otherwise it takes the token. */
template <class Callable> constexpr bool takes_nothing = std::is_invocable_v<Callable>;

/* Calls a callable for a cancel. */
template <class Callable>
DCC_CANCEL_HIDDEN_ void call_with_token(Callable &&callable, const token &cancelled) noexcept
{
    call_guarded([&callable, &cancelled] {
        if constexpr (takes_nothing<Callable>)
            std::forward<Callable>(callable)();
        else
            std::forward<Callable>(callable)(cancelled);
        static_cast<void>(cancelled);
    });
}

/* A callable on the heap with its users: the library, and perhaps an object that unregisters it. The last
 * user deletes it, so it outlives its own call, whatever that destroys. */
template <class Callable> class shared_callable {
    static_assert(takes_nothing<Callable> || std::is_invocable_v<Callable, const token &>,
                  "a callback is called without arguments, or with the token");
    static_assert(std::is_nothrow_destructible_v<Callable>,
                  "the destructor of a callback must not throw: nobody could catch that");

public:
    /* Null if there is no memory. */
    template <class Init> static shared_callable *create(Init &&callable, int users)
    {
        return new (std::nothrow) shared_callable(std::forward<Init>(callable), users);
    }

    /* Registers the callable, and deletes it if that fails. With `out` the registration keeps its token until
     * it is unregistered. Without, it ends with the token, so the callable may hold what lives as long as the
     * token. */
    static dcc_status enroll(shared_callable *callable, const token &when, const owner &plugin,
                             dcc_registration **out)
    {
        if (callable == nullptr)
            return DCC_ERROR_RESOURCES;
        const dcc_status status =
            out == nullptr
                ? dcc_cancel_token_register(when.get(), call, callable, let_go, plugin.get(), nullptr)
                : dcc_cancel_token_register_keeping(when.get(), call, callable, let_go, plugin.get(), out);
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

    DCC_CANCEL_HIDDEN_ static void call(const dcc_cancel_token *cancelled, void *user_data) noexcept
    {
        auto &self = *static_cast<shared_callable *>(user_data);
        if constexpr (takes_nothing<Callable>)
            call_with_token(std::forward<Callable>(self.callable_), token());
        else
            call_with_token(std::forward<Callable>(self.callable_), token::share(cancelled));
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
