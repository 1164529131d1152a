/* What is current on a thread, carried to others. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_CONTEXT_HPP
#define DCC_CANCEL_CONTEXT_HPP

#include "error.hpp"
#include "reference.hpp"
#include "scope.hpp"

namespace dcc {

/* What is current on a thread, to be entered on others. */
class context : public detail::reference<dcc_context> {
public:
    /* Nothing current. */
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

} // namespace dcc

#endif /* DCC_CANCEL_CONTEXT_HPP */
