/* Whether a type is a coroutine's task. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_IS_TASK_HPP
#define DCC_CANCEL_IS_TASK_HPP

#include <type_traits>

/* dcc::task and its companions exist if the compiler has the coroutines of C++20: with clang from version 14
 * on. Older versions of clang have only the coroutines of a draft, for which this is not written. */
#ifdef __cpp_impl_coroutine
#define DCC_CANCEL_COROUTINES 1
#else
#define DCC_CANCEL_COROUTINES 0
#endif

namespace dcc {

template <class Result> class task;

namespace detail {

template <class Type> struct is_task : std::false_type {
};
template <class Result> struct is_task<task<Result>> : std::true_type {
    using result = Result;
};

/* Whether a callable without arguments returns a task. */
template <class Callable, class = void> struct makes_task : std::false_type {
};
template <class Callable>
struct makes_task<Callable, std::enable_if_t<std::is_invocable_v<Callable &>>>
    : is_task<std::invoke_result_t<Callable &>> {
};

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_IS_TASK_HPP */
