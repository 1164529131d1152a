/* What is posted to a dispatcher. Part of dcc_cancel.hpp. */

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

/* How soon a posted job gets its turn; none starves. */
enum class lane : std::int32_t {
    /* Someone waits for it at the screen. */
    interactive = DCC_LANE_INTERACTIVE,
    normal = DCC_LANE_NORMAL,
    /* When there is time. */
    background = DCC_LANE_BACKGROUND
};

/* What a slice of a job answers. */
enum class step : std::int32_t {
    /* The job completed. */
    done = DCC_OK,
    /* Call it again, in the next tick. */
    again = DCC_RUN_AGAIN,
    /* Call it again in the tick after `job::wake`; see DCC_RUN_WHEN_WOKEN. */
    when_woken = DCC_RUN_WHEN_WOKEN,
    /* The same, also if it is cancelled: another thread uses what it works on, and wakes it; see
     * DCC_RUN_AWAY. */
    away = DCC_RUN_AWAY
};

/* As long, or as many, as it takes. */
inline constexpr std::chrono::nanoseconds no_limit = (std::chrono::nanoseconds::max)();

/* How a job is posted. */
struct post_options {
    /* Told once that the job is over, on the dispatcher's thread, inside its pump or close. It
     * may post, not pump. What it throws goes to set_callback_exception_handler's handler. */
    std::function<void(const job &, job_state)> completion = {};
    /* A token whose cancel cancels the job; current while the job runs. Without one that is the poster's
     * current token, and a cancel of the poster's current job cancels it, too: see DCC_POST_BELOW_CURRENT. */
    token parent = {};
    /* Your own id for it; no unfinished job of the dispatcher may have the same. */
    std::string_view caller_id = {};
    dcc::lane lane = dcc::lane::normal;
    /* Cancels the job (cause::deadline) so long after the post. None: as the dispatcher has it;
     * no_limit: never. */
    std::optional<std::chrono::nanoseconds> deadline = {};
    /* Called on another thread than the dispatcher's. */
    bool any_thread = false;
    /* The plugin that the callable's and the completion's code belongs to. */
    const dcc::owner *owner = nullptr;
    /* Call a step that had begun once more after a cancel, in which it finds that `is_cancelled` and undoes
     * its work, or is done with a part of it; see DCC_POST_UNWINDS. */
    bool unwinds = false;
    /* Without a parent nothing is above it, whatever is current on the poster's thread: for what is to go on
     * when the work that posts it is cancelled. */
    bool is_detached = false;
};

/* How full a dispatcher is. */
struct admission {
    /* Jobs that wait for their turn, and how many may. */
    std::uint32_t depth = 0;
    std::uint32_t capacity = 0;
    /* After how long a post that was refused has a chance; zero if that is not known. */
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

/* A job that the library lends for the length of a call: not counted, so not given back. */
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

/* Calls a job's callable, with the job if it takes one. */
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

/* Answers for a callable as a dcc_job_fn does. */
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

/* What answers for a callable; task.hpp has another one for what is a coroutine. */
template <class Callable, class = void> struct work_of {
    using type = answering<Callable>;
};

/* A job's user data: what it does and who is told. */
template <class Work> class posted {
public:
    /* Whether it must not go to another thread than the dispatcher's. */
    static constexpr bool is_of_its_thread = Work::is_of_its_thread;

    using completion_function = std::function<void(const job &, job_state)>;

    template <class Init>
    posted(Init &&callable, completion_function completion)
        : work_(std::forward<Init>(callable)), completion_(std::move(completion))
    {
    }

    Work &work() noexcept { return work_; }

    /* Writes it into what is posted to a dispatcher. */
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
        // What is over already is not what says nothing.
        const std::uint64_t nanoseconds = nanoseconds_of(*options.deadline);
        desc.deadline_after_ns = nanoseconds != 0 ? nanoseconds : 1u;
    }
    return desc;
}

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_POSTING_HPP */
