/* Dispatchers. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_DISPATCHER_HPP
#define DCC_CANCEL_DISPATCHER_HPP

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "dispatcher_stats.hpp"
#include "error.hpp"
#include "host.hpp"
#include "job.hpp"
#include "posting.hpp"
#include "promised.hpp"
#include "reference.hpp"
#include "task.hpp"
#include "text.hpp"
#include "time.hpp"

namespace dcc {

/* What a pump did. */
struct tick {
    /* Negative: nothing could run, DCC_ERROR_REENTRANT or DCC_ERROR_WRONG_THREAD. */
    dcc_status status = DCC_OK;
    /* The host's `veto` said "not now"; pump again when that is over. */
    bool is_vetoed = false;
    /* Calls of jobs' callables. */
    std::uint64_t executed = 0;
    /* Jobs that ended. */
    std::uint64_t completed = 0;
    /* Jobs among those that ended as cancelled. */
    std::uint64_t cancelled = 0;
    /* Jobs, next slices and completions that are left for the next pump. */
    std::uint64_t remaining = 0;
    std::chrono::nanoseconds elapsed = std::chrono::nanoseconds(0);
    /* How much longer than its budget the pump took. */
    std::chrono::nanoseconds overrun = std::chrono::nanoseconds(0);
    /* After how long to pump again; after DCC_ERROR_REENTRANT about a tick. nullopt: when something is
     * posted. */
    std::optional<std::chrono::nanoseconds> next = {};
};

/* How a wait for a posted job ended. */
enum class wait_end : std::int32_t {
    /* The job was not accepted. */
    refused = -1,
    /* The job is over. */
    over = DCC_OK,
    /* The time was over before the job started; it never runs. */
    timed_out = DCC_TIMED_OUT,
    /* The dispatcher's thread is stuck in something else or has ended; the job never runs. */
    wedged = DCC_WEDGED,
    /* The time was over after the job started, and it was asked to stop; or it has run, and its completion
     * cannot. */
    started = DCC_STARTED
};

/* The end of a wait for a job; true if the job completed. */
struct waited_job {
    wait_end end = wait_end::refused;
    /* The job's state at the end of the wait. */
    job_state state = job_state::none;
    dcc::job job = {};

    explicit operator bool() const noexcept { return state == job_state::completed; }
};

/* A queue of jobs that one thread, usually the UI thread, pumps from its tick. Copies are the same
 * dispatcher; the end of the last one closes it. Let that happen on the dispatcher's own thread: completions
 * that are left run nowhere else.
 *
 * A job is posted as a callable that takes the job (const dcc::job &) or nothing. It is kept, moved or
 * copied, until its job is over, and then destroyed, usually on the dispatcher's thread. What it returns or
 * throws ends the job, as with dcc::run. A callable that returns dcc::step is called tick by tick until it is
 * done; a returned dcc_status is taken as that of a dcc_job_fn. In C++20 it may be a coroutine: a dcc::task,
 * or better a callable that returns one, which is kept as long; a coroutine cannot run on any thread. No
 * exception of a callable reaches the pump. */
class dispatcher : public detail::reference<dcc_dispatcher> {
public:
    /* No dispatcher. */
    dispatcher() noexcept = default;

    /* A dispatcher that belongs to this thread, unless `bind_later` is set. */
    static dispatcher create(dispatcher_options options = {})
    {
        dispatcher result;
        detail::throw_if_failed(try_create(result, std::move(options)));
        return result;
    }

    /* As create; `result` is empty unless the answer is DCC_OK or DCC_SECOND_INSTANCE. */
    static dcc_status try_create(dispatcher &result, dispatcher_options options = {}) noexcept
    {
        result.reset();
        dcc_dispatcher_desc desc = {};
        desc.struct_size = sizeof desc;
        desc.flags = options.bind_later ? DCC_DISPATCHER_BIND_LATER : 0u;
        desc.capacity = options.capacity;
        desc.default_deadline_after_ns = detail::nanoseconds_of(options.default_deadline);
        desc.wedge_threshold_ns = detail::nanoseconds_of(options.wedge_threshold);
        desc.progress_interval_ns = detail::nanoseconds_of(options.progress_interval);
        desc.owner = options.owner != nullptr ? options.owner->get() : nullptr;
        std::unique_ptr<detail::host> kept(new (std::nothrow) detail::host(std::move(options)));
        if (!kept)
            return DCC_ERROR_RESOURCES;
        kept->describe(desc);
        const dcc_status status = dcc_dispatcher_create(&desc, result.out());
        if (status >= 0)
            static_cast<void>(kept.release()); // the dispatcher's now
        return status;
    }

    static dispatcher adopt(dcc_dispatcher *handle) noexcept { return dispatcher(handle); }

    static dispatcher share(const dcc_dispatcher *handle) noexcept
    {
        dispatcher result(const_cast<dcc_dispatcher *>(handle));
        result.keep();
        return result;
    }

    /* Posts a callable as a job. Any thread, even inside jobs and completions. A refused post destroys a
     * callable that was moved into it; pass an lvalue to keep yours for another try. Throws overloaded_error
     * if too many jobs wait, else error. */
    template <class Callable>
    job post(std::string_view label, Callable &&callable, post_options options = {}) const
    {
        auto made = make<Callable>(std::forward<Callable>(callable), options);
        job result;
        admission found;
        detail::throw_if_refused(submit(result, label, made, options, &found), found);
        return result;
    }

    /* As post; `result` is empty if the answer is negative. `found`, unless it is null, gets how full the
     * dispatcher is. */
    template <class Callable>
    dcc_status try_post(job &result, std::string_view label, Callable &&callable,
                        post_options options = {}, admission *found = nullptr) const
    {
        auto made = make<Callable>(std::forward<Callable>(callable), options);
        return submit(result, label, made, options, found);
    }

    /* Posts a callable and waits until its job is over, at most `longest`. On the dispatcher's own thread the
     * job runs at once. The callable is kept until the job is over, which may be after this returns: let it
     * refer to nothing that you destroy then. Throws as post. */
    template <class Callable, class Rep, class Period>
    waited_job post_and_wait(std::string_view label, Callable &&callable,
                             std::chrono::duration<Rep, Period> longest,
                             post_options options = {}) const
    {
        auto made = make<Callable>(std::forward<Callable>(callable), options);
        waited_job result;
        const dcc_status status =
            submit_and_wait(result, label, made, detail::nanoseconds_of(longest), options);
        detail::throw_if_refused(status, status == DCC_ERROR_OVERLOADED ? fill() : admission());
        return result;
    }

    /* As post_and_wait; `result.end` is wait_end::refused if the answer is negative. */
    template <class Callable, class Rep, class Period>
    dcc_status try_post_and_wait(waited_job &result, std::string_view label, Callable &&callable,
                                 std::chrono::duration<Rep, Period> longest,
                                 post_options options = {}) const
    {
        auto made = make<Callable>(std::forward<Callable>(callable), options);
        return submit_and_wait(result, label, made, detail::nanoseconds_of(longest), options);
    }

#if DCC_CANCEL_EXCEPTIONS
    /* Posts a callable whose result or exception goes to the returned future, as soon as the callable
     * returns, so before its job is over. Throws as post.
     *
     * If a cancel comes before the callable was called, the callable is never called, and the future throws
     * cancelled_error: at once, set in the call that cancels, or on the library's callback thread if a
     * deadline or an async cancel was the cause. If the job ends without a result in another way, the pump
     * that ends it makes the future throw cancelled_error (it was cancelled), std::runtime_error with the
     * text (it failed), or std::future_error with broken_promise (it was interrupted, for instance by a
     * close).
     *
     * A get() on the dispatcher's thread waits for ever, unless the job runs on another thread. */
    template <class Callable>
    std::future<detail::result_of_job<std::decay_t<Callable>>>
    async(std::string_view label, Callable &&callable, post_options options = {}) const
    {
        using posted = detail::posted<detail::promising<std::decay_t<Callable>>>;
        auto made = std::make_unique<posted>(std::forward<Callable>(callable),
                                             std::move(options.completion));
        auto result = made->work().future();
        auto early = made->work().early();
        job posted_job;
        admission found;
        detail::throw_if_refused(submit(posted_job, label, made, options, &found), found);
        /* If there is no memory for this, the next pump tells the future of a cancel. */
        const owner none;
        const owner &plugin = options.owner != nullptr ? *options.owner : none;
        static_cast<void>(detail::attach(posted_job.token(), std::move(early), plugin));
        return result;
    }
#endif

    /* Runs the jobs that wait; call it from a tick on the dispatcher's thread. It stops between two jobs or
     * slices when the budget is used up or `max_jobs` have run; see dcc_dispatcher_pump. It never throws: a
     * tick inside one of its jobs, for instance in a job's own event loop, or inside a host's check is
     * refused with a status. */
    template <class Rep, class Period>
    tick pump(std::chrono::duration<Rep, Period> budget,
              std::uint64_t max_jobs = DCC_NO_LIMIT) const noexcept
    {
        dcc_tick done = {};
        done.struct_size = sizeof done;
        tick result;
        result.status = dcc_dispatcher_pump(get(), detail::nanoseconds_of(budget), max_jobs, &done);
        if (result.status < 0) {
            /* The wake that led here is not repeated, so the host has to come back. */
            if (result.status == DCC_ERROR_REENTRANT)
                result.next = std::chrono::milliseconds(16);
            return result;
        }
        result.is_vetoed = done.is_vetoed != 0;
        result.executed = done.executed;
        result.completed = done.completed;
        result.cancelled = done.cancelled;
        result.remaining = done.remaining;
        result.elapsed = detail::duration_of(done.elapsed_ns);
        result.overrun = detail::duration_of(done.overrun_ns);
        if (done.next_after_ns != DCC_NO_LIMIT)
            result.next = detail::duration_of(done.next_after_ns);
        return result;
    }

    /* As pump, without a budget. */
    tick pump_all() const noexcept { return pump(no_limit); }

    /* Refuses posts from now on and ends jobs that wait as interrupted. DCC_OK: all jobs are over.
     * DCC_PENDING: completions are left; see dcc_dispatcher_close. */
    dcc_status close() const noexcept { return dcc_dispatcher_close(get()); }

    /* The unfinished job with this caller id, or no job. */
    job find(std::string_view caller_id) const noexcept
    {
        dcc_job *found = nullptr;
        dcc_dispatcher_find(get(), caller_id.data(), caller_id.size(), &found);
        return job::adopt(found);
    }

    dispatcher_stats stats() const noexcept
    {
        dcc_dispatcher_stats info = {};
        info.struct_size = sizeof info;
        dcc_dispatcher_read_stats(get(), &info);
        return detail::stats_from(info);
    }

    /* The label of the job with the longest slice so far on the dispatcher's thread. */
    std::string longest_label() const
    {
        return detail::text([this](char *buffer, std::size_t size, std::size_t *length) {
            return dcc_dispatcher_longest_label(get(), buffer, size, length);
        });
    }

private:
    explicit dispatcher(dcc_dispatcher *handle) noexcept : reference(handle) {}

    /* Null if there is no memory. */
    template <class Callable>
    static auto make(Callable &&callable, post_options &options)
    {
        using posted = detail::posted<typename detail::work_of<std::decay_t<Callable>>::type>;
        return std::unique_ptr<posted>(new (std::nothrow) posted(std::forward<Callable>(callable),
                                                                 std::move(options.completion)));
    }

    template <class Posted>
    dcc_status submit(job &result, std::string_view label, std::unique_ptr<Posted> &made,
                      const post_options &options, admission *found) const noexcept
    {
        result.reset();
        if (!made)
            return DCC_ERROR_RESOURCES;
        if (Posted::is_of_its_thread && options.any_thread)
            return DCC_ERROR_INVALID_ARGUMENT;
        dcc_post_desc desc = detail::describe(label, options);
        made->describe(desc, get());
        dcc_admission filled = {};
        filled.struct_size = sizeof filled;
        dcc_job *handle = nullptr;
        const dcc_status status = dcc_dispatcher_post(get(), &desc, &handle, &filled);
        if (status >= 0)
            static_cast<void>(made.release()); // the job's now
        result = job::adopt(handle);
        if (found != nullptr)
            *found = {filled.depth, filled.capacity, detail::duration_of(filled.retry_after_ns)};
        return status;
    }

    template <class Posted>
    dcc_status submit_and_wait(waited_job &result, std::string_view label,
                               std::unique_ptr<Posted> &made, std::uint64_t longest_ns,
                               const post_options &options) const noexcept
    {
        result = waited_job();
        if (!made)
            return DCC_ERROR_RESOURCES;
        if (Posted::is_of_its_thread && options.any_thread)
            return DCC_ERROR_INVALID_ARGUMENT;
        dcc_post_desc desc = detail::describe(label, options);
        // Released before the call: the job may be over, and have deleted it, before the call returns.
        Posted *const given = made.release();
        given->describe(desc, get());
        dcc_job *handle = nullptr;
        std::int32_t state = DCC_JOB_NONE;
        const dcc_status status =
            dcc_dispatcher_post_and_wait(get(), &desc, longest_ns, &handle, &state);
        if (status < 0) {
            made.reset(given);
            return status;
        }
        result.end = static_cast<wait_end>(status);
        result.state = static_cast<job_state>(state);
        result.job = job::adopt(handle);
        return status;
    }

    admission fill() const noexcept
    {
        const dispatcher_stats found = stats();
        return {found.depth, found.capacity, std::chrono::nanoseconds(0)};
    }
};

} // namespace dcc

template <> struct std::hash<dcc::dispatcher> : dcc::detail::reference_hash<dcc::dispatcher> {
};

#endif /* DCC_CANCEL_DISPATCHER_HPP */
