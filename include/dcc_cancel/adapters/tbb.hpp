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
 * What is cancelled: the tasks and chunks that have not begun. A registration on the token calls
 * task_group_context::cancel_group_execution, on the thread that cancels, so nobody needs to poll for
 * it; contexts that were bound to this one, those of nested algorithms, go with it. The host's own
 * question to a job (job_options::is_cancelled) is asked by polls alone: tasks of a tbb_task_group ask
 * as they begin.
 *
 * What cannot be interrupted: a task or chunk that runs. It sees the cancel by dcc::is_cancelled(),
 * dcc::poller or whatever else polls, because what was current where the object was made is current
 * in it, on whichever thread it runs.
 *
 * A thread that waits in TBB may run others' tasks meanwhile, which find this job current unless they carry
 * a context of their own: tbb::this_task_arena::isolate keeps them out.
 *
 * What is left: tasks that were not begun are destroyed, results are partial. A parallel algorithm
 * returns as if it were done: ask is_cancelled(). A task_group can be used again, and does nothing
 * as long as its token is cancelled.
 *
 * Destroying the objects unregisters, and waits if a cancel is just calling into TBB. TBB needs
 * exceptions, and so does this header. */

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

/* A tbb::task_group_context that is cancelled with a token, and what was current where it was made.
 * It must outlive the work that it is given to. */
class tbb_context {
public:
    /* Of the current token and the current job. */
    tbb_context()
        : tbb_context(token::create_below_current(), context::capture())
    {
    }

    /* Of this token, in place of the current one, and the current job. */
    explicit tbb_context(const token &cancelled_by)
        : tbb_context(token::create({cancelled_by, job::current().token()}), capture(cancelled_by))
    {
    }

    tbb_context(const tbb_context &) = delete;
    tbb_context &operator=(const tbb_context &) = delete;

    /* For the last argument of TBB's algorithms. */
    tbb::task_group_context &get() noexcept { return group_context_; }

    /* True: stop, and take what was worked on for partial. A cancel may have come when all was done. */
    bool is_cancelled() noexcept
    {
        return token_.is_cancelled() || group_context_.is_group_execution_cancelled();
    }

    /* A callable that does what the given one does, with what was current here. */
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
    /* The last member: it is unregistered before the rest goes. */
    cancel_callback<cancel_execution> callback_;
};

/* A tbb::task_group that is cancelled with a token. run may be called by its own tasks too. */
class tbb_task_group {
public:
    /* Of the current token and the current job. */
    tbb_task_group() : group_(context_.get()) {}

    /* Of this token, in place of the current one, and the current job. */
    explicit tbb_task_group(const token &cancelled_by)
        : context_(cancelled_by), group_(context_.get())
    {
    }

    tbb_task_group(const tbb_task_group &) = delete;
    tbb_task_group &operator=(const tbb_task_group &) = delete;

    /* Tasks that nobody waited for are cancelled; those that run are waited for. */
    ~tbb_task_group()
    {
        group_.cancel();
        try {
            group_.wait();
        } catch (...) {
            /* Whoever did not wait does not hear what they threw. */
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

    /* Works on the tasks until all are done: completed, or cancelled if some were not run. Throws what
     * a task threw. */
    job_state wait()
    {
        const tbb::task_group_status status = group_.wait();
        const bool is_cut_short = is_cut_short_.exchange(false, std::memory_order_relaxed);
        return status == tbb::canceled || is_cut_short ? job_state::cancelled
                                                       : job_state::completed;
    }

    /* Cancels these tasks alone. */
    void cancel() { group_.cancel(); }

private:
    tbb_context context_;
    tbb::task_group group_;
    std::atomic<bool> is_cut_short_{false};
};

} // namespace dcc

#endif /* DCC_CANCEL_ADAPTERS_TBB_HPP */
