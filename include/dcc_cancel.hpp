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
 * Two halves. The non-throwing half is always there: `try_create` answers a status, polls and
 * `is_cancelled` answer bool. Where exceptions are enabled, `create` and scopes throw dcc::error
 * when they fail, and `throw_if_cancelled` throws dcc::cancelled_error. Without exceptions `create`
 * gives an empty object and a scope tells its `status`. No exception leaves through the C ABI.
 *
 * To load the library at run time instead of linking it, include dcc_cancel_dl.h first. */

#ifndef DCC_CANCEL_HPP
#define DCC_CANCEL_HPP

#include "dcc_cancel/context.hpp"
#include "dcc_cancel/error.hpp"
#include "dcc_cancel/job.hpp"
#include "dcc_cancel/poll.hpp"
#include "dcc_cancel/run.hpp"
#include "dcc_cancel/scope.hpp"
#include "dcc_cancel/token.hpp"

#endif /* DCC_CANCEL_HPP */
