/* dcc-cancel for C++17: RAII over dcc_cancel.h, header-only.
 *
 *     dcc::job job = dcc::job::create({"Smooth mesh"});
 *     dcc::job_scope current(job);           // this thread now works for the job
 *     dcc::poller cancelled;                 // what is current, polled for a load and a compare
 *     for (vertex &v : mesh)
 *         if (cancelled()) break; else smooth(v);
 *
 * The includes below are the contents, in the chapters of dcc_cancel.h. That header is the reference manual:
 * what it says of threads, errors and races holds here too.
 *
 * Objects are reference-counted handles. A copy retains, a destructor releases, and both are safe on any
 * thread. An empty token is never cancelled. An empty job does not exist.
 *
 * The wrapper has two halves. The half that does not throw is always there: `try_create` and the other `try_`
 * functions answer a status; polls and `is_cancelled` answer bool. The other half depends on the compiler's
 * flags. With exceptions `create`, posts, scopes, callbacks, deadlines and waits throw dcc::error when they
 * fail, and `throw_if_cancelled` throws dcc::cancelled_error. Without exceptions `create` gives an empty
 * object, a wait answers false, and the rest tells its `status`.
 *
 * No exception leaves through the C ABI. An exception that a job throws fails the job. An exception that a
 * callback or a completion throws goes to the handler of set_callback_exception_handler. A pump never throws.
 *
 * To load the library at run time instead of linking it, include dcc_cancel_dl.h first. */

#ifndef DCC_CANCEL_HPP
#define DCC_CANCEL_HPP

#include "dcc_cancel/config.hpp"

/* 1. Errors. cancelled_error means "stop" and is not a failure. error is a failure. */
#include "dcc_cancel/cancelled_error.hpp"
#include "dcc_cancel/error.hpp"

/* 2. Tokens. token is the flag. cancel_guard cancels at the end of a scope. stop_source, stop_token and
 * stop_callback have the names of the standard library for code that was written for them; in C++20
 * token_from and std_stop_link lead from std::stop_token and back. */
#include "dcc_cancel/cancel_guard.hpp"
#include "dcc_cancel/std_stop_token.hpp"
#include "dcc_cancel/stop_token.hpp"
#include "dcc_cancel/token.hpp"

/* 3. Current token and poll. job_scope and token_scope make a job or a token current. poller and token_poller
 * are for loops. is_cancelled and throw_if_cancelled ask without a snapshot. */
#include "dcc_cancel/poll.hpp"
#include "dcc_cancel/scope.hpp"

/* 4. Jobs. job is one unit of work. run runs a function as a job. job.commit does work that cannot be taken
 * back: either it is done and no cancel comes after it, or the cancel was first and nothing is done. */
#include "dcc_cancel/commit.hpp"
#include "dcc_cancel/job.hpp"
#include "dcc_cancel/run.hpp"

/* 5. Progress. progress is a scope's share of the bar of the current job. Code that knows the whole says what
 * its steps are worth. The code of a step counts its own units, and `advance` tells it when to stop. */
#include "dcc_cancel/progress.hpp"

/* 6. Contexts and threads. A new thread has nothing current. with_context(callable) carries what is current
 * here to the thread that calls it. jthread, and scope for several pieces of work, do that by themselves.
 * Work that has to be done after a cancel too stands behind a shield. library_call answers the callback by
 * which a third-party library asks whether to go on; library_interrupt interrupts one that waits. */
#include "dcc_cancel/context.hpp"
#include "dcc_cancel/library_call.hpp"
#include "dcc_cancel/library_interrupt.hpp"
#include "dcc_cancel/spawn.hpp"
#include "dcc_cancel/thread.hpp"

/* 7. Callbacks and owners. cancel_callback calls a callable when its token is cancelled. A plugin that may be
 * unloaded names an owner wherever it hands in a callable, and closes the owner before it goes. */
#include "dcc_cancel/callback.hpp"
#include "dcc_cancel/owner.hpp"

/* 8. Deadlines and waits. deadline cancels when a scope takes too long. token.wait_for, wait_any and, for a
 * condition variable, wait block. native_event goes into poll, epoll or a toolkit's notifier. ask_host asks a
 * host's own check while a thread waits in another way. */
#include "dcc_cancel/asking.hpp"
#include "dcc_cancel/condition.hpp"
#include "dcc_cancel/deadline.hpp"
#include "dcc_cancel/native_event.hpp"
#include "dcc_cancel/wait.hpp"

/* 9. Dispatchers. dispatcher is the queue of a UI thread. Any thread posts callables to it as jobs, and its
 * tick pumps them, in slices if they are long. In C++20 long work is a coroutine, a task, that says
 * `co_await dcc::slice()` in its loops. */
#include "dcc_cancel/dispatcher.hpp"
#include "dcc_cancel/task.hpp"

/* 10. Sessions and requests. session is the connection of one peer. A request that began there is cancelled
 * by the peer's message, and says what is owed to the peer at its end. */
#include "dcc_cancel/request.hpp"
#include "dcc_cancel/request_id.hpp"
#include "dcc_cancel/session.hpp"

/* 11. Diagnosis. live_jobs lists the jobs of the process, page by page. */
#include "dcc_cancel/live_jobs.hpp"


/* 12. Control. control_endpoint lets the command line tool dcc-control look at jobs and cancel them. */
#include "dcc_cancel/control.hpp"

#endif /* DCC_CANCEL_HPP */
