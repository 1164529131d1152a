/* dcc-cancel for C++17: RAII over dcc_cancel.h, header-only.
 *
 *     dcc::job job = dcc::job::create({"Smooth mesh"});
 *     dcc::job_scope current(job);           // this thread now works for the job
 *     dcc::poller cancelled;                 // what is current, polled for a load and a compare
 *     for (vertex &v : mesh)
 *         if (cancelled()) break; else smooth(v);
 *
 * Objects are reference-counted handles: copying one retains, destroying it releases, all safe from
 * any thread. An empty token is one that is never cancelled, an empty job is none.
 *
 * A new thread has nothing current: `dcc::with_context(callable)` carries what is current here to the thread
 * that calls it; `dcc::jthread`, and `dcc::scope` for several pieces, have that built in. What has to be done
 * after a cancel, too, stands below a `dcc::shield`. What cannot be taken back is done in `job.commit(...)`:
 * either it is done and no cancel comes after it, or the cancel was first and nothing is done.
 *
 * Whoever does not poll is told: `dcc::cancel_callback` calls a callable when its token is cancelled;
 * `token.wait_for`, `dcc::wait_any` and, for a condition variable, `dcc::wait` block; `token.native_event`
 * goes into poll or a toolkit's notifier. `dcc::deadline` cancels when a scope takes too long. Code that was
 * written for std::stop_token takes `dcc::stop_source`, `dcc::stop_token` and `dcc::stop_callback`, and in
 * C++20 `dcc::token_from` and `dcc::std_stop_link` lead from std's own and back. A plugin that may be
 * unloaded names a `dcc::owner` wherever it hands in a callable, and closes it before it goes.
 *
 * `dcc::dispatcher` is the queue of a UI thread: callables are posted to it from any thread as jobs, and
 * its tick pumps them, in slices if they are long. In C++20 long work is written as a coroutine, a
 * `dcc::task`, that says `co_await dcc::slice()` in its loops.
 *
 * `dcc::progress` is the share of a scope of the bar of the current job. The code that knows the whole says
 * what its steps are worth; the code of a step counts its own units, and is told by `advance` when to stop.
 *
 * `dcc::session` is a peer's connection. A `dcc::request` that began there is cancelled by the message
 * in which the peer asks for that, and says what is owed to it at the end.
 *
 * `dcc::control_endpoint` lets the command line tool dcc-control look at the jobs and cancel them;
 * `dcc::live_jobs` is what a window of the host's own would show.
 *
 * Two halves. The non-throwing half is always there: `try_create` and the other `try_` functions
 * answer a status, polls and `is_cancelled` answer bool. Where exceptions are enabled, `create`,
 * posts, scopes, callbacks, deadlines and waits throw dcc::error when they fail, and `throw_if_cancelled`
 * throws dcc::cancelled_error. Without exceptions `create` gives an empty object, a wait answers
 * false, and the rest tells its `status`. No exception leaves through the C ABI: what a job throws
 * fails the job, what callbacks and completions throw goes to set_callback_exception_handler's
 * handler. A pump never throws.
 *
 * To load the library at run time instead of linking it, include dcc_cancel_dl.h first. */

#ifndef DCC_CANCEL_HPP
#define DCC_CANCEL_HPP

#include "dcc_cancel/asking.hpp"
#include "dcc_cancel/callback.hpp"
#include "dcc_cancel/cancel_guard.hpp"
#include "dcc_cancel/cancelled_error.hpp"
#include "dcc_cancel/commit.hpp"
#include "dcc_cancel/condition.hpp"
#include "dcc_cancel/context.hpp"
#include "dcc_cancel/control.hpp"
#include "dcc_cancel/deadline.hpp"
#include "dcc_cancel/dispatcher.hpp"
#include "dcc_cancel/error.hpp"
#include "dcc_cancel/job.hpp"
#include "dcc_cancel/library_call.hpp"
#include "dcc_cancel/library_interrupt.hpp"
#include "dcc_cancel/live_jobs.hpp"
#include "dcc_cancel/native_event.hpp"
#include "dcc_cancel/owner.hpp"
#include "dcc_cancel/poll.hpp"
#include "dcc_cancel/progress.hpp"
#include "dcc_cancel/request.hpp"
#include "dcc_cancel/request_id.hpp"
#include "dcc_cancel/run.hpp"
#include "dcc_cancel/scope.hpp"
#include "dcc_cancel/session.hpp"
#include "dcc_cancel/spawn.hpp"
#include "dcc_cancel/std_stop_token.hpp"
#include "dcc_cancel/stop_token.hpp"
#include "dcc_cancel/task.hpp"
#include "dcc_cancel/thread.hpp"
#include "dcc_cancel/token.hpp"
#include "dcc_cancel/wait.hpp"

#endif /* DCC_CANCEL_HPP */
