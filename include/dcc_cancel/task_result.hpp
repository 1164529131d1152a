/* The result of a task, or of a function on a worker. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_TASK_RESULT_HPP
#define DCC_CANCEL_TASK_RESULT_HPP

#include <optional>
#include <utility>

namespace dcc {

namespace detail {

template <class Result> class task_result {
public:
    template <class Value = Result> void return_value(Value &&value)
    {
        value_.emplace(std::forward<Value>(value));
    }
    Result take_value() { return std::move(*value_); }

private:
    std::optional<Result> value_;
};

template <> class task_result<void> {
public:
    void return_void() noexcept {}
    void take_value() noexcept {}
};

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_TASK_RESULT_HPP */
