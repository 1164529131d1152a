/* Carrying what is current on one thread to others. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_CONTEXT_HPP
#define DCC_CANCEL_CONTEXT_HPP

#include <functional>
#include <type_traits>
#include <utility>

#include "error.hpp"
#include "reference.hpp"
#include "scope.hpp"

namespace dcc {

/* What is current on a thread (token, job, share of progress), to be entered on others. */
class context : public detail::reference<dcc_context> {
public:
    /* A context with nothing current. */
    context() noexcept = default;

    static context capture()
    {
        context result;
        detail::throw_if_failed(try_capture(result));
        return result;
    }

    static dcc_status try_capture(context &result) noexcept
    {
        return dcc_context_capture(result.out());
    }
};

/* Enters a captured context on this thread until the end of the scope. */
class context_scope : public detail::scope {
public:
    explicit context_scope(const context &entered)
    {
        install<dcc_context>(dcc_context_enter, entered.get());
    }
};

/* Until the end of the scope polls on this thread are not cancelled, and a job's set_progress answers "go
 * on": nothing is current. For what has to be done after a cancel, such as rolling back or closing a file. A
 * question that names its object, such as job.is_cancelled(), is still answered truthfully. Jobs and posts
 * that are made inside have nothing above them. */
class shield : public detail::scope {
public:
    shield() { install(dcc_context_shield); }
};

/* A callable that runs in the context in which it was wrapped; see with_context. */
template <class Callable> class in_context {
public:
    template <class Init>
    in_context(context captured, Init &&callable)
        : context_(std::move(captured)), callable_(std::forward<Init>(callable))
    {
    }

    template <class... Arguments>
    std::invoke_result_t<Callable &, Arguments...> operator()(Arguments &&...arguments)
    {
        const context_scope entered(context_);
        return std::invoke(callable_, std::forward<Arguments>(arguments)...);
    }

    /* For pools that call a const callable, as oneTBB does. */
    template <class... Arguments>
    std::invoke_result_t<const Callable &, Arguments...> operator()(Arguments &&...arguments) const
    {
        const context_scope entered(context_);
        return std::invoke(callable_, std::forward<Arguments>(arguments)...);
    }

private:
    context context_;
    Callable callable_;
};

/* Carries what is current here to the thread that calls the result: for std::thread, std::async, a task
 * group, a host's pool. Without it a new thread has nothing current, so polls on it are never cancelled.
 *
 *     std::thread worker(dcc::with_context([&] { smooth(half_of_the_mesh); })); */
template <class Callable> in_context<std::decay_t<Callable>> with_context(Callable &&callable)
{
    return {context::capture(), std::forward<Callable>(callable)};
}

} // namespace dcc

template <> struct std::hash<dcc::context> : dcc::detail::reference_hash<dcc::context> {
};

#endif /* DCC_CANCEL_CONTEXT_HPP */
