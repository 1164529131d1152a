/* Cancels at the end of a scope. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_CANCEL_GUARD_HPP
#define DCC_CANCEL_CANCEL_GUARD_HPP

#include <utility>

#include "token.hpp"

namespace dcc {

/* Cancels a token when the scope is left, in whatever way, unless it was dismissed: for work that others do
 * for this scope, and that is useless without it. As tokio-util's DropGuard. */
class cancel_guard {
public:
    explicit cancel_guard(token cancelled) noexcept : token_(std::move(cancelled)) {}

    cancel_guard(cancel_guard &&other) noexcept : token_(std::move(other.token_)) {}
    cancel_guard &operator=(cancel_guard &&) = delete;
    ~cancel_guard() { token_.cancel(); }

    /* After this call the end of the scope cancels nothing. Returns the token. */
    token dismiss() noexcept { return std::exchange(token_, token()); }

private:
    token token_;
};

} // namespace dcc

#endif /* DCC_CANCEL_CANCEL_GUARD_HPP */
