/* oneTBB: a cancel stops task groups and parallel algorithms. Not part of dcc_cancel.hpp.
 *
 *     dcc::tbb_task_group group;                        // stops with the current token or job
 *     for (tile &t : tiles)
 *         group.run([&t] { bake(t); });                 // dcc::is_cancelled() works in there
 *     if (group.wait() == dcc::job_state::cancelled)
 *         return;
 *
 *     dcc::tbb_context context;                         // the same for parallel_for and the like
 *     tbb::parallel_for(range, context.carried(body), context.get());
 *     if (context.is_cancelled()) return;
 *
 * What is cancelled: tasks and chunks that have not begun. A registration on the token calls
 * task_group_context::cancel_group_execution, on the thread that cancels, so no poll is needed for it.
 * Contexts that are bound to this one, those of nested algorithms, are cancelled with it. A host's own check
 * (job_options::is_cancelled) is only asked by polls: each task of a tbb_task_group polls when it begins.
 *
 * What cannot be interrupted: a running task or chunk. It sees the cancel by dcc::is_cancelled(), dcc::poller
 * or other polls, because what was current where the object was made is current in it, on whichever thread it
 * runs.
 *
 * A thread that waits in TBB may run tasks of others meanwhile. These find this job current, unless they
 * carry a context of their own: tbb::this_task_arena::isolate keeps them out.
 *
 * What is left: tasks that have not begun are destroyed, and results are partial. A parallel algorithm
 * returns as if it were done: ask is_cancelled(). A task_group can be used again, and does nothing as long as
 * its token is cancelled.
 *
 * The destructors unregister, and wait if a cancel is just calling TBB. TBB needs exceptions, and so does
 * this header. */

#ifndef DCC_CANCEL_ADAPTERS_TBB_HPP
#define DCC_CANCEL_ADAPTERS_TBB_HPP

#include <atomic>
#include <type_traits>
#include <utility>

#include <oneapi/tbb/task_group.h>

#include "../callback.hpp"
#include "../context.hpp"
#include "../job.hpp"
#include "../poll.hpp"
#include "../token.hpp"

namespace dcc {

/* A tbb::task_group_context that is cancelled with a token, and what was current where it was made. It must
 * live longer than the work that uses it. */
class tbb_context {
public:
    /* Cancelled with the current token and the current job. */
    tbb_context()
        : tbb_context(token::create_below_current(), context::capture())
    {
    }

    /* Cancelled with this token, in place of the current one, and the current job. */
    explicit tbb_context(const token &cancelled_by)
        : tbb_context(token::create({cancelled_by, job::current().token()}), capture(cancelled_by))
    {
    }

    tbb_context(const tbb_context &) = delete;
    tbb_context &operator=(const tbb_context &) = delete;

    /* For the last argument of TBB's algorithms. */
    tbb::task_group_context &get() noexcept { return group_context_; }

    /* True: stop, and treat the results as partial. A cancel may have come after all was done. */
    bool is_cancelled() noexcept
    {
        return token_.is_cancelled() || group_context_.is_group_execution_cancelled();
    }

    /* A callable that runs the given one with what was current where this was made. */
    template <class Callable> auto carried(Callable callable) const
    {
        return [this, callable = std::move(callable)](auto &&...arguments) -> decltype(auto) {
            context_scope current(context_);
            return callable(std::forward<decltype(arguments)>(arguments)...);
        };
    }

private:
    struct cancel_execution {
        tbb::task_group_context &cancelled;
        void operator()() const { cancelled.cancel_group_execution(); }
    };

    tbb_context(token cancelled_by, context carried)
        : token_(std::move(cancelled_by)), context_(std::move(carried)),
          callback_(token_, cancel_execution{group_context_})
    {
    }

    static context capture(const token &current)
    {
        token_scope scope(current);
        return context::capture();
    }

    token token_;
    context context_;
    tbb::task_group_context group_context_;
    /* The last member: destroyed first, so that the callback never runs on destroyed members. */
    cancel_callback<cancel_execution> callback_;
};

/* A tbb::task_group that is cancelled with a token. Its own tasks may call run, too. */
class tbb_task_group {
public:
    /* Cancelled with the current token and the current job. */
    tbb_task_group() : group_(context_.get()) {}

    /* Cancelled with this token, in place of the current one, and the current job. */
    explicit tbb_task_group(const token &cancelled_by)
        : context_(cancelled_by), group_(context_.get())
    {
    }

    tbb_task_group(const tbb_task_group &) = delete;
    tbb_task_group &operator=(const tbb_task_group &) = delete;

    /* Without a wait before, tasks that have not begun are cancelled, and running tasks are waited for. */
    ~tbb_task_group()
    {
        group_.cancel();
        try {
            group_.wait();
        } catch (...) {
            /* Exceptions of tasks go to the caller of wait, and there was none. */
        }
    }

    template <class Callable> void run(Callable callable)
    {
        group_.run(context_.carried([this, callable = std::move(callable)] {
            /* TBB forgets a cancel that comes just as wait returns. */
            if (dcc::is_cancelled())
                is_cut_short_.store(true, std::memory_order_relaxed);
            else
                callable();
        }));
    }

    /* Works on the tasks until all are done: completed, or cancelled if some were not run. Throws a task's
     * exception. */
    job_state wait()
    {
        const tbb::task_group_status status = group_.wait();
        const bool is_cut_short = is_cut_short_.exchange(false, std::memory_order_relaxed);
        return status == tbb::canceled || is_cut_short ? job_state::cancelled
                                                       : job_state::completed;
    }

    /* Cancels only these tasks. */
    void cancel() { group_.cancel(); }

private:
    tbb_context context_;
    tbb::task_group group_;
    std::atomic<bool> is_cut_short_{false};
};

} // namespace dcc

#endif /* DCC_CANCEL_ADAPTERS_TBB_HPP */
