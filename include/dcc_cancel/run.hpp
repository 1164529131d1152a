/* Running a function as a job. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_RUN_HPP
#define DCC_CANCEL_RUN_HPP

#include <exception>
#include <type_traits>
#include <utility>

#include "error.hpp"
#include "failure.hpp"
#include "job.hpp"
#include "scope.hpp"

namespace dcc {

namespace detail {

/* Calls what works for a job and ends the job by what it answers. */
template <class Function> void end_by_answer(const job &work, Function &&function)
{
    using answer = decltype(std::forward<Function>(function)());
    if constexpr (std::is_convertible_v<answer, bool>) {
        if (!std::forward<Function>(function)()) {
            work.acknowledge_cancel();
            return;
        }
    } else {
        std::forward<Function>(function)();
    }
    work.complete();
}

} // namespace detail

/* Runs a function as a job on this thread: begins it, makes it current, and ends it. Completed when
 * the function returns nothing or true, cancelled when it returns false or throws cancelled_error,
 * failed with the text when it throws anything else. A job that was cancelled before is not run.
 * Nothing is thrown from here but by a failing install. */
template <class Function> job_state run(const job &work, Function &&function)
{
    if (!work.begin()) {
        if (work.is_cancelled())
            work.acknowledge_cancel();
        return work.state();
    }
    job_scope current(work);
#if DCC_CANCEL_EXCEPTIONS
    try {
        detail::end_by_answer(work, std::forward<Function>(function));
    } catch (const cancelled_error &) {
        work.acknowledge_cancel();
    } catch (const std::exception &thrown) {
        detail::fail(work.get(), thrown.what());
    } catch (...) {
        work.fail("threw what is no std::exception");
    }
#else
    detail::end_by_answer(work, std::forward<Function>(function));
#endif
    return work.state();
}

} // namespace dcc

#endif /* DCC_CANCEL_RUN_HPP */
