/* Posting jobs to a dispatcher. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_POSTING_HPP
#define DCC_CANCEL_POSTING_HPP

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "error.hpp"
#include "exception_handler.hpp"
#include "failure.hpp"
#include "is_task.hpp"
#include "its_thread.hpp"
#include "job.hpp"
#include "owner.hpp"
#include "time.hpp"
#include "token.hpp"

namespace dcc {

/* How soon a posted job gets its turn; no lane starves. */
enum class lane : std::int32_t {
    /* A user waits for the job at the screen. */
    interactive = DCC_LANE_INTERACTIVE,
    normal = DCC_LANE_NORMAL,
    /* The job runs when there is time. */
    background = DCC_LANE_BACKGROUND
};

/* What a job's callable returns at the end of a slice. */
enum class step : std::int32_t {
    /* The job has completed. */
    done = DCC_OK,
    /* Call it again in the next tick. */
    again = DCC_RUN_AGAIN,
    /* Call it again in the tick after `job::wake`; see DCC_RUN_WHEN_WOKEN. */
    when_woken = DCC_RUN_WHEN_WOKEN,
    /* As when_woken, but a cancel neither ends nor wakes the job: another thread uses its data, and wakes it;
     * see DCC_RUN_AWAY. */
    away = DCC_RUN_AWAY
};

/* No limit. */
inline constexpr std::chrono::nanoseconds no_limit = (std::chrono::nanoseconds::max)();

/* How a job is posted. */
struct post_options {
    /* Told once that the job is over, on the dispatcher's thread, inside its pump or close. It may post but
     * not pump. Its exceptions go to set_callback_exception_handler's handler. */
    std::function<void(const job &, job_state)> completion = {};
    /* A token whose cancel cancels the job; current while the job runs. If it is empty, the poster's current
     * token is used, and a cancel of the poster's current job cancels the job too: see
     * DCC_POST_BELOW_CURRENT. */
    token parent = {};
    /* Your own id for the job; no other unfinished job of the dispatcher may have it. */
    std::string_view caller_id = {};
    dcc::lane lane = dcc::lane::normal;
    /* Cancels the job (cause::deadline) so long after the post. nullopt: the dispatcher's default_deadline;
     * no_limit: never. */
    std::optional<std::chrono::nanoseconds> deadline = {};
    /* The callable runs on a thread other than the dispatcher's. */
    bool any_thread = false;
    /* The plugin that the code of the callable and of the completion belongs to. */
    const dcc::owner *owner = nullptr;
    /* After a cancel between two slices the callable is called once more: it sees the cancel by its polls,
     * and undoes its work or makes a part of it the result; see DCC_POST_UNWINDS. */
    bool unwinds = false;
    /* Without a parent nothing is above the job, whatever is current on the poster's thread: for a job that
     * is to go on when the work that posts it is cancelled. */
    bool is_detached = false;
};

/* How full a dispatcher is. */
struct admission {
    /* Jobs that wait for their turn, and the most that may. */
    std::uint32_t depth = 0;
    std::uint32_t capacity = 0;
    /* When to try a refused post again, from now; zero if that is unknown. */
    std::chrono::nanoseconds retry_after = std::chrono::nanoseconds(0);
};

/* Thrown by a post that a full dispatcher refused. */
class overloaded_error : public error {
public:
    explicit overloaded_error(const dcc::admission &found) noexcept
        : error(DCC_ERROR_OVERLOADED), found_(found)
    {
    }

    const dcc::admission &admission() const noexcept { return found_; }

private:
    dcc::admission found_;
};

namespace detail {

inline void throw_if_refused(dcc_status status, const admission &found)
{
#if DCC_CANCEL_EXCEPTIONS
    if (status == DCC_ERROR_OVERLOADED)
        throw overloaded_error(found);
#else
    static_cast<void>(found);
#endif
    throw_if_failed(status);
}

/* A job that the library lends for the length of a call: without a reference, so it is not released. */
class lent_job {
public:
    explicit lent_job(const dcc_job *handle) noexcept
        : job_(job::adopt(const_cast<dcc_job *>(handle)))
    {
    }
    lent_job(const lent_job &) = delete;
    lent_job &operator=(const lent_job &) = delete;
    ~lent_job() { static_cast<void>(job_.detach()); }

    const job &get() const noexcept { return job_; }

private:
    job job_;
};

/* Calls a job's callable, with the job if the callable takes one. */
template <class Callable> decltype(auto) call_for(Callable &callable, const job &work)
{
    if constexpr (std::is_invocable_v<Callable &, const job &>) {
        return callable(work);
    } else {
        static_assert(std::is_invocable_v<Callable &>,
                      "what is posted takes a const dcc::job & or nothing");
        return callable();
    }
}

/* Turns what a callable returns into the answer of a dcc_job_fn. */
template <class Callable> class answering {
public:
    static constexpr bool awaits_end = false;
    static constexpr bool is_of_its_thread = false;
    static constexpr std::uint32_t flags = 0;

    template <class Init> explicit answering(Init &&callable) : callable_(std::forward<Init>(callable))
    {
    }

    std::int32_t operator()(const job &work)
    {
        using answer = std::decay_t<decltype(call_for(callable_, work))>;
        if constexpr (std::is_void_v<answer>) {
            call_for(callable_, work);
            return DCC_OK;
        } else if constexpr (std::is_same_v<answer, bool>) {
            if (!call_for(callable_, work))
                end_by_false(work.get());
            return DCC_OK;
        } else {
            static_assert(!is_task<answer>::value,
                          "the const dcc::job & is lent for one call, which a coroutine outlives: let it "
                          "take nothing, and ask dcc::job::current()");
            static_assert(is_task<answer>::value || std::is_same_v<answer, step> ||
                              std::is_same_v<answer, dcc_status>,
                          "what is posted returns nothing, bool, dcc::step or a dcc_status");
            return static_cast<std::int32_t>(call_for(callable_, work));
        }
    }

    void end(const job &, job_state) {}

private:
    Callable callable_;
};

/* The class that answers for a callable; task.hpp has another one for coroutines. */
template <class Callable, class = void> struct work_of {
    using type = answering<Callable>;
};

/* User data of a posted job: its work and its completion. */
template <class Work> class posted {
public:
    /* Whether the job must run on the dispatcher's thread. */
    static constexpr bool is_of_its_thread = Work::is_of_its_thread;

    using completion_function = std::function<void(const job &, job_state)>;

    template <class Init>
    posted(Init &&callable, completion_function completion)
        : work_(std::forward<Init>(callable)), completion_(std::move(completion))
    {
    }

    Work &work() noexcept { return work_; }

    /* Fills in the functions of a descriptor. */
    void describe(dcc_post_desc &desc, const dcc_dispatcher *dispatcher) noexcept
    {
        if constexpr (is_of_its_thread)
            work_.post_to(dispatcher, desc.owner);
        else
            static_cast<void>(dispatcher);
        desc.flags |= Work::flags;
        desc.function = run;
        desc.completion = Work::awaits_end || completion_ ? complete : nullptr;
        desc.user_data = this;
        desc.destroy = destroy;
    }

private:
    DCC_CANCEL_HIDDEN_ static std::int32_t run(const dcc_job *handle, void *user_data) noexcept
    {
        auto &self = *static_cast<posted *>(user_data);
        const lent_job lent(handle);
#if DCC_CANCEL_EXCEPTIONS
        try {
            return self.work_(lent.get());
        } catch (const cancelled_error &) {
            return DCC_CANCELLED_BY_JOB;
        } catch (const std::exception &thrown) {
            end_by_error(handle, thrown.what());
        } catch (...) {
            end_by_error(handle, "threw what is no std::exception");
        }
        return DCC_ERROR_INTERNAL; // it has ended
#else
        return self.work_(lent.get());
#endif
    }

    DCC_CANCEL_HIDDEN_ static void complete(const dcc_job *handle, std::int32_t state,
                                            void *user_data) noexcept
    {
        auto &self = *static_cast<posted *>(user_data);
        const lent_job lent(handle);
        const auto ended = static_cast<job_state>(state);
        call_guarded([&] { self.work_.end(lent.get(), ended); });
        if (self.completion_)
            call_guarded([&] { self.completion_(lent.get(), ended); });
    }

    DCC_CANCEL_HIDDEN_ static void destroy(void *user_data) noexcept
    {
        auto *const self = static_cast<posted *>(user_data);
        if constexpr (is_of_its_thread) {
            const auto end = [](void *that) { delete static_cast<posted *>(that); };
            const dcc_dispatcher *const dispatcher = self->work_.elsewhere();
            if (dispatcher != nullptr && call_on_its_thread(dispatcher, self, end))
                return;
        }
        delete self;
    }

    Work work_;
    completion_function completion_;
};

inline dcc_post_desc describe(std::string_view label, const post_options &options) noexcept
{
    dcc_post_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.flags = (options.any_thread ? DCC_POST_ANY_THREAD : 0u) |
                 (options.unwinds ? DCC_POST_UNWINDS : 0u) |
                 (options.is_detached ? 0u : DCC_POST_BELOW_CURRENT);
    desc.label = label.data();
    desc.label_length = label.size();
    desc.caller_id = options.caller_id.data();
    desc.caller_id_length = options.caller_id.size();
    desc.parent = options.parent.get();
    desc.owner = options.owner != nullptr ? options.owner->get() : nullptr;
    desc.lane = static_cast<std::int32_t>(options.lane);
    if (options.deadline) {
        // A deadline of zero is over at once; in the descriptor 0 would mean "none given".
        const std::uint64_t nanoseconds = nanoseconds_of(*options.deadline);
        desc.deadline_after_ns = nanoseconds != 0 ? nanoseconds : 1u;
    }
    return desc;
}

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_POSTING_HPP */
