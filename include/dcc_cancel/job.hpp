/* Jobs. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_JOB_HPP
#define DCC_CANCEL_JOB_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include "error.hpp"
#include "failure.hpp"
#include "owner.hpp"
#include "reference.hpp"
#include "text.hpp"
#include "token.hpp"

namespace dcc {

/* Where a job stands. */
enum class job_state : std::int32_t {
    none = DCC_JOB_NONE,
    pending = DCC_JOB_PENDING,
    running = DCC_JOB_RUNNING,
    completed = DCC_JOB_COMPLETED,
    failed = DCC_JOB_FAILED,
    cancelled = DCC_JOB_CANCELLED,
    interrupted = DCC_JOB_INTERRUPTED
};

/* How far a job is; `total` is 0 while unknown. */
struct job_progress {
    std::uint64_t done = 0;
    std::uint64_t total = 0;
};

/* What a job is created from. */
struct job_options {
    /* For people. */
    std::string_view label = {};
    /* Your own id for it. */
    std::string_view caller_id = {};
    /* A token whose cancel cancels the job. */
    token parent = {};
    /* The host's own "has the user pressed Esc", asked by polls on the creating thread. If it
     * throws, the job fails with what it threw. */
    std::function<bool()> is_cancelled = {};
    /* Least time between two questions to it. */
    std::chrono::nanoseconds min_interval = std::chrono::nanoseconds(0);
    /* Ask it on any thread that polls. */
    bool ask_on_any_thread = false;
    /* Kept until the job is gone. */
    std::shared_ptr<const void> keep_alive = {};
    /* The plugin that the code of `is_cancelled` and of what is kept belongs to. */
    const dcc::owner *owner = nullptr;
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
        desc.flags = options.ask_on_any_thread ? DCC_JOB_ASK_ON_ANY_THREAD : 0u;
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
        if (status >= 0)
            kept.release(); // the job's now
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

    /* The live job of this id, or an empty one. */
    static job find(std::uint64_t id) noexcept
    {
        job result;
        dcc_job_find(id, result.out());
        return result;
    }

    std::uint64_t id() const noexcept { return dcc_job_id(get()); }

    dcc::token token() const noexcept { return dcc::token::share(dcc_job_token(get())); }

    /* Asks it to stop. True if this call was the first to ask a job that had not ended. */
    bool cancel(std::string_view reason = {}) const noexcept
    {
        return *this && dcc_job_cancel(get(), reason.data(), reason.size()) == DCC_OK;
    }

    bool is_cancelled() const noexcept { return dcc_job_is_cancelled(get()) != DCC_OK; }

    job_state state() const noexcept
    {
        std::int32_t number = DCC_JOB_NONE;
        dcc_job_state(get(), &number);
        return static_cast<job_state>(number);
    }

    /* Each ends by true if this call did it. A job that was cancelled while pending does not
     * begin; acknowledge the cancel. */
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

    /* True: go on. False: stop, the job or the current token is cancelled, or the job does not
     * run. An empty message keeps the one before. */
    bool set_progress(std::uint64_t done, std::uint64_t total,
                      std::string_view message = {}) const noexcept
    {
        const char *words = message.empty() ? nullptr : message.data();
        return dcc_job_set_progress(get(), done, total, words, message.size()) == DCC_OK;
    }

    job_progress progress() const noexcept
    {
        dcc_job_progress info = {};
        info.struct_size = sizeof info;
        dcc_job_read_progress(get(), &info);
        return {info.done, info.total};
    }

    std::string progress_message() const { return text_of(dcc_job_progress_message); }
    std::string label() const { return text_of(dcc_job_label); }
    std::string caller_id() const { return text_of(dcc_job_caller_id); }
    std::string failure() const { return text_of(dcc_job_failure); }

private:
    /* What the job keeps of its options; its user data. */
    struct owned {
        std::function<bool()> is_cancelled;
        std::shared_ptr<const void> keep_alive;

        bool take(const job_options &options) noexcept
        {
#if DCC_CANCEL_EXCEPTIONS
            try {
#endif
                keep_alive = options.keep_alive;
                is_cancelled = options.is_cancelled;
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
                return fail_current(user_data, thrown.what());
            } catch (...) {
                return fail_current(user_data, "is_cancelled threw what is no std::exception");
            }
#else
            return self.is_cancelled() ? 1 : 0;
#endif
        }

        /* Ends the job that is being asked, which is the current one unless it is polled from
         * elsewhere, and stops it in any case. */
        static std::int32_t fail_current(void *user_data, const char *what) noexcept
        {
            void *of_current = nullptr;
            dcc_job *current = dcc_job_current();
            if (current != nullptr && dcc_job_user_data(current, &of_current) == DCC_OK &&
                of_current == user_data)
                detail::fail(current, what);
            return 1;
        }
    };

    explicit job(dcc_job *handle) noexcept : reference(handle) {}

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
