/* Jobs. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_JOB_HPP
#define DCC_CANCEL_JOB_HPP

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>

#include "config.hpp"
#include "error.hpp"
#include "failure.hpp"
#include "native_event.hpp"
#include "owner.hpp"
#include "reference.hpp"
#include "text.hpp"
#include "time.hpp"
#include "token.hpp"

namespace dcc {

/* State of a job. */
enum class job_state : std::int32_t {
    none = DCC_JOB_NONE,
    pending = DCC_JOB_PENDING,
    running = DCC_JOB_RUNNING,
    completed = DCC_JOB_COMPLETED,
    failed = DCC_JOB_FAILED,
    cancelled = DCC_JOB_CANCELLED,
    interrupted = DCC_JOB_INTERRUPTED
};

/* Progress of a job; `total` is 0 while unknown. */
struct job_progress {
    std::uint64_t done = 0;
    std::uint64_t total = 0;
    /* Filled part of the job's bar, from 0 to 1. It never falls. */
    double fraction = 0;
    /* Estimate of how much longer the job runs, if there is one; see dcc_job_progress. */
    std::optional<std::chrono::nanoseconds> time_left = {};
    /* Units beyond the total of their share, and units after its end: counted by mistake, and not shown. */
    std::uint64_t over = 0;
    std::uint64_t late = 0;
};

/* What a job is created from. */
struct job_options {
    /* Name for people. */
    std::string_view label = {};
    /* Your own id for the job. */
    std::string_view caller_id = {};
    /* A token whose cancel cancels the job. If it is empty, the current token and the current job of the
     * creating thread are above the job: a cancel of either cancels it, see DCC_JOB_BELOW_CURRENT. */
    token parent = {};
    /* The host's own "has the user pressed Esc", asked by polls on the creating thread. If it throws, the job
     * fails with that exception's text. */
    std::function<bool()> is_cancelled = {};
    /* The shortest time between two calls of `is_cancelled`. */
    std::chrono::nanoseconds min_interval = std::chrono::nanoseconds(0);
    /* `is_cancelled` may be called on any thread that polls. */
    bool ask_on_any_thread = false;
    /* Kept until the job is gone. */
    std::shared_ptr<const void> keep_alive = {};
    /* The plugin that the code of `is_cancelled` and of `keep_alive` belongs to. */
    const dcc::owner *owner = nullptr;
    /* Without a parent nothing is above the job, whatever is current: for a job that is to go on when the
     * work that creates it is cancelled. */
    bool is_detached = false;
};

/* One unit of a host's work. Copies are the same job. */
class job : public detail::reference<dcc_job> {
public:
    /* No job. */
    job() noexcept = default;

    static job create(const job_options &options = {})
    {
        job result;
        detail::throw_if_failed(try_create(result, options));
        return result;
    }

    /* As create; `result` is empty unless the answer is DCC_OK or DCC_SECOND_INSTANCE. */
    static dcc_status try_create(job &result, const job_options &options = {}) noexcept
    {
        result.reset();
        std::unique_ptr<owned> kept(new (std::nothrow) owned);
        if (!kept || !kept->take(options))
            return DCC_ERROR_RESOURCES;
        dcc_job_desc desc = {};
        desc.struct_size = sizeof desc;
        desc.flags = (options.ask_on_any_thread ? DCC_JOB_ASK_ON_ANY_THREAD : 0u) |
                     (options.is_detached ? 0u : DCC_JOB_BELOW_CURRENT);
        desc.label = options.label.data();
        desc.label_length = options.label.size();
        desc.caller_id = options.caller_id.data();
        desc.caller_id_length = options.caller_id.size();
        desc.parent = options.parent.get();
        desc.user_data = kept.get();
        desc.destroy = owned::destroy;
        desc.is_cancelled = kept->is_cancelled ? owned::ask : nullptr;
        const std::int64_t interval = options.min_interval.count();
        desc.min_interval_ns = interval > 0 ? static_cast<std::uint64_t>(interval) : 0u;
        desc.owner = options.owner != nullptr ? options.owner->get() : nullptr;
        const dcc_status status = dcc_job_create(&desc, result.out());
        if (status >= 0) {
            /* The job owns it now, and may have destroyed it if the owner is closed meanwhile. */
            const auto id = kept->id;
            kept.release();
            if (id)
                *id = result.id();
        }
        return status;
    }

    static job adopt(dcc_job *handle) noexcept { return job(handle); }

    static job share(const dcc_job *handle) noexcept
    {
        job result(const_cast<dcc_job *>(handle));
        result.keep();
        return result;
    }

    /* The current job of this thread. */
    static job current() noexcept { return share(dcc_job_current()); }

    /* The live job with this id, or no job. */
    static job find(std::uint64_t id) noexcept
    {
        job result;
        dcc_job_find(id, result.out());
        return result;
    }

    std::uint64_t id() const noexcept { return dcc_job_id(get()); }

    dcc::token token() const noexcept { return dcc::token::share(dcc_job_token(get())); }

    /* Asks the job to stop. True: this call was the first, and the job had neither ended nor been sealed. */
    bool cancel(std::string_view reason = {}) const noexcept
    {
        return *this && dcc_job_cancel(get(), reason.data(), reason.size()) == DCC_OK;
    }

    bool is_cancelled() const noexcept { return dcc_job_is_cancelled(get()) != DCC_OK; }

    /* Lets a posted job that sleeps until it is woken (step::when_woken) go on in its dispatcher's next tick;
     * see dcc_job_wake. False: it was not posted. */
    bool wake() const noexcept { return *this && dcc_job_wake(get()) == DCC_OK; }

    job_state state() const noexcept
    {
        std::int32_t number = DCC_JOB_NONE;
        dcc_job_state(get(), &number);
        return static_cast<job_state>(number);
    }

    /* Waits until the job has really ended, with its completion. True: it has; at once for no job. False: it
     * was dropped unfinished, or can never end; `state` says how far it came. To free what a job works on,
     * cancel it, wait, then free. A wait in the job itself or on its dispatcher's thread would wait for ever,
     * and is refused: DCC_ERROR_WOULD_DEADLOCK. Your reference counts: while you hold it, a job that all
     * others have dropped unfinished stays unfinished. */
    bool wait() const { return has_ended(dcc_job_wait(get(), DCC_NO_LIMIT)); }

    /* As wait; false, too, if the time was over before. */
    template <class Rep, class Period> bool wait_for(std::chrono::duration<Rep, Period> longest) const
    {
        return has_ended(try_wait_for(longest));
    }
    template <class Clock, class Duration>
    bool wait_until(std::chrono::time_point<Clock, Duration> time) const
    {
        return has_ended(dcc_job_wait(get(), detail::nanoseconds_until(time)));
    }

    /* As dcc_job_wait. */
    template <class Rep, class Period>
    dcc_status try_wait_for(std::chrono::duration<Rep, Period> longest) const noexcept
    {
        return dcc_job_wait(get(), detail::nanoseconds_of(longest));
    }

    /* A native event that is set when `wait` would return. For no job, and for a job that has ended, it is
     * set already. */
    dcc::native_event native_event() const
    {
        dcc::native_event result;
        detail::throw_if_failed(try_native_event(result));
        return result;
    }

    /* As native_event; `result` is empty unless the answer is DCC_OK or DCC_SECOND_INSTANCE. */
    dcc_status try_native_event(dcc::native_event &result) const noexcept
    {
        dcc_native_event handle = DCC_NO_NATIVE_EVENT;
        const dcc_status status = dcc_job_native_event(get(), &handle);
        result = dcc::native_event::adopt(handle);
        return status;
    }

    /* Each returns true if this call changed the state. A job that was cancelled while it was pending does
     * not begin: acknowledge the cancel. */
    bool begin() const noexcept { return *this && dcc_job_begin(get()) == DCC_OK; }
    bool complete() const noexcept { return *this && dcc_job_complete(get()) == DCC_OK; }
    bool acknowledge_cancel() const noexcept
    {
        return *this && dcc_job_acknowledge_cancel(get()) == DCC_OK;
    }
    bool fail(std::string_view message) const noexcept
    {
        return *this && dcc_job_fail(get(), message.data(), message.size()) == DCC_OK;
    }
    bool interrupt(std::string_view message = {}) const noexcept
    {
        return *this && dcc_job_interrupt(get(), message.data(), message.size()) == DCC_OK;
    }

    /* Passes the point of no return. True: go ahead, no cancel reaches the job any more; also for no job.
     * False: a cancel came first, or the job has ended or has not begun: do not do what cannot be taken back.
     * The cancelling code learns the same, see dcc_job_seal. `commit` also shields the work that follows. */
    [[nodiscard]] bool seal() const noexcept { return try_seal() == DCC_OK; }

    /* As dcc_job_seal. */
    [[nodiscard]] dcc_status try_seal() const noexcept { return dcc_job_seal(get()); }

    /* Whether the job has passed its point of no return; still true after its end. */
    bool is_sealed() const noexcept { return dcc_job_is_sealed(get()) > 0; }

#if DCC_CANCEL_EXCEPTIONS
    /* Does what cannot be taken back: seals the job, calls the function behind a shield and returns its
     * result. Throws cancelled_error, without a call, if a cancel came first; dcc::error if the job has ended
     * otherwise or has not begun. Exceptions of the function pass through; the job then fails, because it
     * cannot end as cancelled any more. For the current job: `dcc::job::current().commit(...)`.
     *
     *     job.commit([&] { undo.push(before); mesh.set_points(smoothed); }); */
    template <class Function> decltype(auto) commit(Function &&function) const;
#endif

    /* As commit, for a function that returns nothing. DCC_OK: it was called. Otherwise the status of
     * dcc_job_seal, and it was not called. */
    template <class Function> [[nodiscard]] dcc_status try_commit(Function &&function) const;

    /* True: go on. False: stop; the job or the current token is cancelled, or the job does not run. An empty
     * message keeps the one before. */
    bool set_progress(std::uint64_t done, std::uint64_t total, std::string_view message = {},
                      DCC_CANCEL_HERE_) const noexcept
    {
        const char *words = message.empty() ? nullptr : message.data();
        return dcc_job_set_progress_at(get(), done, total, words, message.size(), file, line) == DCC_OK;
    }

    job_progress progress() const noexcept
    {
        dcc_job_progress info = {};
        info.struct_size = sizeof info;
        dcc_job_read_progress(get(), &info);
        job_progress result = {info.done, info.total, info.fraction, {}, info.over, info.late};
        if (info.time_left_ns != DCC_NO_LIMIT)
            result.time_left = std::chrono::nanoseconds(info.time_left_ns);
        return result;
    }

    std::string progress_message() const { return text_of(dcc_job_progress_message); }
    std::string label() const { return text_of(dcc_job_label); }
    std::string caller_id() const { return text_of(dcc_job_caller_id); }
    std::string failure() const { return text_of(dcc_job_failure); }

private:
    /* The options that a job keeps, as its user data. */
    struct owned {
        std::function<bool()> is_cancelled;
        std::shared_ptr<const void> keep_alive;
        /* Id of the job once it is known: `ask` fails that job if `is_cancelled` throws. */
        std::shared_ptr<std::atomic<std::uint64_t>> id;

        bool take(const job_options &options) noexcept
        {
#if DCC_CANCEL_EXCEPTIONS
            try {
#endif
                keep_alive = options.keep_alive;
                is_cancelled = options.is_cancelled;
                if (is_cancelled)
                    id = std::make_shared<std::atomic<std::uint64_t>>(0);
                return true;
#if DCC_CANCEL_EXCEPTIONS
            } catch (...) {
                return false;
            }
#endif
        }

        static void destroy(void *user_data) noexcept { delete static_cast<owned *>(user_data); }

        static std::int32_t ask(void *user_data) noexcept
        {
            const owned &self = *static_cast<const owned *>(user_data);
#if DCC_CANCEL_EXCEPTIONS
            try {
                return self.is_cancelled() ? 1 : 0;
            } catch (const std::exception &thrown) {
                return self.fail(thrown.what());
            } catch (...) {
                return self.fail("is_cancelled threw what is no std::exception");
            }
#else
            return self.is_cancelled() ? 1 : 0;
#endif
        }

        /* Ends the job whose check threw, and stops its work. */
        std::int32_t fail(const char *what) const noexcept
        {
            /* The cancel comes first: tokens below the job do not hear of a cancel after its end. */
            const job asked = job::find(*id);
            detail::end_with_text(what, [&asked](const char *text, std::size_t length) {
                return dcc_job_cancel(asked.get(), text, length);
            });
            detail::fail(asked.get(), what);
            return 1;
        }
    };

    explicit job(dcc_job *handle) noexcept : reference(handle) {}

    static bool has_ended(dcc_status waited)
    {
        detail::throw_if_failed(waited);
        return waited == DCC_OK;
    }

    std::string text_of(dcc_status (*fetch)(const dcc_job *, char *, std::size_t, std::size_t *)) const
    {
        return detail::text([this, fetch](char *buffer, std::size_t size, std::size_t *length) {
            return fetch(get(), buffer, size, length);
        });
    }
};

} // namespace dcc

template <> struct std::hash<dcc::job> : dcc::detail::reference_hash<dcc::job> {
};

#endif /* DCC_CANCEL_JOB_HPP */
