/* Callables that run when a token is cancelled. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_CALLBACK_HPP
#define DCC_CANCEL_CALLBACK_HPP

#include <type_traits>
#include <utility>

#include "error.hpp"
#include "owner.hpp"
#include "shared_callable.hpp"
#include "token.hpp"

namespace dcc {

/* Calls a callable once when a token is cancelled, as std::stop_callback does: on the thread that cancels, or
 * in the constructor if the token is already cancelled. The destructor unregisters, and waits if the callable
 * is running on another thread: so objects that the callable refers to need only live as long as this object.
 *
 * This object keeps its token alive: the token may be a temporary, or a variable that is assigned later. A
 * token that only such objects hold, and that no parent, deadline or host's check can cancel, still ends.
 *
 * Beyond std::stop_callback:
 * - A callable that destroys its own object may go on to use its captures: it is kept until it returns.
 * - If waiting would never end, because the running callable waits, directly or through other threads, for
 *   this thread, the destructor does not wait. Then the callable, which is kept, lives longer than the
 *   object, and what it refers to has to as well. `unregister` answers DCC_ERROR_WOULD_DEADLOCK in this case.
 * - Exceptions of the callable go to set_callback_exception_handler's handler.
 * - Deadlines and token::cancel_async call it on the library's callback thread.
 * - Closing `plugin`, the owner that the callable's code belongs to, unregisters it.
 * - A callable that takes a const token & gets the cancelled token.
 *
 * With an empty token, and with a cancelled one without a `plugin`, nothing is allocated and nothing can
 * fail. */
template <class Callable> class cancel_callback {
    using shared = detail::shared_callable<Callable>;

public:
    using callback_type = Callable;

    template <class Init, class = std::enable_if_t<std::is_constructible_v<Callable, Init>>>
    explicit cancel_callback(const token &when, Init &&callable, const owner &plugin = owner())
    {
        if (!when)
            return;
        /* cause(), not is_cancelled(), which asks the host: the thread that registers may hold a lock. */
        if (!plugin && when.cause() != cause::none) {
            Callable once(std::forward<Init>(callable));
            detail::call_with_token(std::forward<Callable>(once), when);
            was_called_here_ = true;
            return;
        }
        shared *made = shared::create(std::forward<Init>(callable), 2);
        status_ = shared::enroll(made, when, plugin, &registration_);
        if (status_ >= 0)
            shared_ = made;
        else
            detail::throw_if_failed(status_);
    }

    cancel_callback(const cancel_callback &) = delete;
    cancel_callback &operator=(const cancel_callback &) = delete;

    ~cancel_callback()
    {
        if (unregister() == DCC_ERROR_WOULD_DEADLOCK) {
            dcc_registration_unregister_no_wait(registration_);
            let_go();
        }
    }

    /* Negative: the callable is not registered. Otherwise it will be called, or was. */
    dcc_status status() const noexcept { return status_; }

    /* Unregisters before the object ends; answers as dcc_registration_unregister. After
     * DCC_ERROR_WOULD_DEADLOCK it is still registered. */
    dcc_status unregister() noexcept
    {
        if (std::exchange(was_called_here_, false))
            return DCC_CALLBACK_DONE;
        const dcc_status status = dcc_registration_unregister(registration_);
        if (status != DCC_ERROR_WOULD_DEADLOCK)
            let_go();
        return status;
    }

private:
    void let_go() noexcept
    {
        registration_ = nullptr;
        if (shared *callable = std::exchange(shared_, nullptr))
            shared::let_go(callable);
    }

    dcc_registration *registration_ = nullptr;
    shared *shared_ = nullptr;
    dcc_status status_ = DCC_OK;
    bool was_called_here_ = false;
};

template <class Callable> cancel_callback(const token &, Callable) -> cancel_callback<Callable>;
template <class Callable>
cancel_callback(const token &, Callable, const owner &) -> cancel_callback<Callable>;

} // namespace dcc

#endif /* DCC_CANCEL_CALLBACK_HPP */
