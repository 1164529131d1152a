/* dcc-cancel for C++17: RAII over dcc_cancel.h, header-only.
 *
 *     dcc::job job = dcc::job::create({"Smooth mesh"});
 *     dcc::job_scope current(job);           // this thread now works for the job
 *     dcc::poller cancelled;                 // what is current, polled for a load and a compare
 *     for (vertex &v : mesh)
 *         if (cancelled()) break; else smooth(v);
 *
 * Objects are reference-counted handles: copying one retains, destroying it releases; both are safe on any
 * thread. An empty token is never cancelled; an empty job means "no job".
 *
 * A new thread has nothing current: `dcc::with_context(callable)` carries what is current here to the thread
 * that calls it; `dcc::jthread`, and `dcc::scope` for several pieces, have that built in. Work that has to be
 * done even after a cancel goes behind a `dcc::shield`. Work that cannot be taken back goes into
 * `job.commit(...)`: either it is done and no cancel comes after it, or a cancel came first and it is not
 * done.
 *
 * Code that does not poll: `dcc::cancel_callback` calls a callable when its token is cancelled;
 * `token.wait_for`, `dcc::wait_any` and, for a condition variable, `dcc::wait` block; `token.native_event` is
 * for poll() or a toolkit's notifier. `dcc::deadline` cancels when a scope takes too long. Code that was
 * written for std::stop_token takes `dcc::stop_source`, `dcc::stop_token` and `dcc::stop_callback`; in C++20
 * `dcc::token_from` and `dcc::std_stop_link` convert from std's own and back. A plugin that may be unloaded
 * names a `dcc::owner` wherever it passes a callable, and closes it before it is unloaded.
 *
 * `dcc::dispatcher` is the queue of a UI thread: callables are posted to it from any thread as jobs, and its
 * tick pumps them, in slices if they are long. In C++20 long work is written as a coroutine, a `dcc::task`,
 * with `co_await dcc::slice()` in its loops.
 *
 * `dcc::progress` is a scope's share of the current job's bar. Code that knows the whole says how much each
 * step is worth; the code of a step counts its own units, and `advance` tells it when to stop.
 *
 * `dcc::session` is the connection of a peer. A `dcc::request` that began there is cancelled by the peer's
 * cancel message, and says at its end what is owed to the peer.
 *
 * `dcc::control_endpoint` lets the command line tool dcc-control show the jobs and cancel them;
 * `dcc::live_jobs` is for a window of the host's own.
 *
 * There are two ways to learn of failures. The functions that do not throw are always there: `try_create` and
 * the other `try_` functions return a status, polls and `is_cancelled` a bool. If exceptions are enabled,
 * `create`, posts, scopes, callbacks, deadlines and waits throw dcc::error when they fail, and
 * `throw_if_cancelled` throws dcc::cancelled_error. Without exceptions `create` returns an empty object, a
 * wait returns false, and the other objects have a `status`. No exception passes the C ABI: a job's exception
 * fails the job, one of a callback or completion goes to set_callback_exception_handler's handler. A pump
 * never throws.
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
