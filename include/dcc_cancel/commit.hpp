/* The point of no return. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_COMMIT_HPP
#define DCC_CANCEL_COMMIT_HPP

#include <functional>
#include <type_traits>
#include <utility>

#include "cancelled_error.hpp"
#include "context.hpp"
#include "error.hpp"
#include "job.hpp"

namespace dcc {

/* The seal comes before the shield: it may ask the job's is_cancelled, which is to find the job current. */

#if DCC_CANCEL_EXCEPTIONS

namespace detail {

inline void seal_or_throw(const job &work)
{
    const dcc_status sealed = work.try_seal();
    if (sealed == DCC_OK)
        return;
    throw_if_failed(sealed);
    if (sealed != DCC_ALREADY_ENDED)
        throw cancelled_error(sealed, work.token());
    if (work.is_cancelled())
        throw cancelled_error(DCC_CANCELLED_BY_JOB, work.token());
    throw error(sealed, "job::commit: the job has ended, so nothing can be committed for it any more");
}

} // namespace detail

template <class Function> decltype(auto) job::commit(Function &&function) const
{
    detail::seal_or_throw(*this);
    const shield unasked;
    return std::invoke(std::forward<Function>(function));
}

#endif

template <class Function> dcc_status job::try_commit(Function &&function) const
{
    static_assert(std::is_void_v<std::invoke_result_t<Function>>,
                  "try_commit gives a status; have the function write its result to a variable");
    const dcc_status sealed = try_seal();
    if (sealed != DCC_OK)
        return sealed;
    const shield unasked;
    if (unasked.status() < 0)
        return unasked.status();
    std::invoke(std::forward<Function>(function));
    return DCC_OK;
}

} // namespace dcc

#endif /* DCC_CANCEL_COMMIT_HPP */
