/* Running a function as a job. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_RUN_HPP
#define DCC_CANCEL_RUN_HPP

#include <exception>
#include <type_traits>
#include <utility>

#include "error.hpp"
#include "failure.hpp"
#include "is_task.hpp"
#include "job.hpp"
#include "scope.hpp"

namespace dcc {

namespace detail {

/* Calls the function of a job, and ends the job by what it returns. */
template <class Function> void end_by_answer(const job &work, Function &&function)
{
    using answer = decltype(std::forward<Function>(function)());
    static_assert(!is_task<answer>::value, "a task would do nothing here; post it to a dispatcher");
    if constexpr (std::is_convertible_v<answer, bool>) {
        if (!std::forward<Function>(function)()) {
            end_by_false(work.get());
            return;
        }
    } else {
        std::forward<Function>(function)();
    }
    work.complete();
}

} // namespace detail

/* Runs a function as a job on this thread: begins the job, makes it current, and ends it.
 * - Completed: the function returned nothing or true.
 * - Cancelled: it threw cancelled_error; or anything else after a poll has told it to stop, as a library
 *   throws that its callback has stopped; the text is kept.
 * - Failed, with the text: it threw otherwise. False is as an exception "it answered false", but without a
 *   text if the job is cancelled.
 *
 * A job that was cancelled before is not run. An empty job, and one that is running or has ended, cannot be
 * run: this throws dcc::error, or without exceptions returns job_state::none. Otherwise it throws only if the
 * job cannot be made current. */
template <class Function> job_state run(const job &work, Function &&function)
{
    if (!work) {
#if DCC_CANCEL_EXCEPTIONS
        throw error(DCC_ERROR_INVALID_HANDLE, "dcc::run: the job is empty, so there is nothing to run as");
#else
        return job_state::none;
#endif
    }
    const dcc_status begun = dcc_job_begin(work.get());
    if (begun == DCC_CANCELLED_BY_JOB) {
        work.acknowledge_cancel();
        return work.state();
    }
    if (begun < 0) {
        detail::throw_if_failed(begun);
        return job_state::none;
    }
    job_scope current(work);
#if DCC_CANCEL_EXCEPTIONS
    try {
        detail::end_by_answer(work, std::forward<Function>(function));
    } catch (const cancelled_error &) {
        work.acknowledge_cancel();
    } catch (const std::exception &thrown) {
        detail::end_by_error(work.get(), thrown.what());
    } catch (...) {
        detail::end_by_error(work.get(), "threw what is no std::exception");
    }
#else
    detail::end_by_answer(work, std::forward<Function>(function));
#endif
    return work.state();
}

} // namespace dcc

#endif /* DCC_CANCEL_RUN_HPP */
