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

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "dcc_cancel.h"

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define DCC_CANCEL_EXCEPTIONS 1
#else
#define DCC_CANCEL_EXCEPTIONS 0
#endif

/* Where a poll stands in the source, as default arguments. */
#define DCC_CANCEL_HERE_ \
    const char *file = __builtin_FILE(), \
    std::uint32_t line = static_cast<std::uint32_t>(__builtin_LINE())

namespace dcc {

/* Thrown by throw_if_cancelled. Let it pass, so that what you hold is released on its way. */
class cancelled_error : public std::exception {
public:
    explicit cancelled_error(dcc_status status) noexcept : status_(status) {}

    const char *what() const noexcept override { return dcc_status_string(status_); }

    /* DCC_CANCELLED_BY_TOKEN, DCC_CANCELLED_BY_JOB or DCC_POLL_GONE. */
    dcc_status status() const noexcept { return status_; }

private:
    dcc_status status_;
};

/* Thrown when something cannot be created or installed; what() says which value was wrong. */
class error : public std::exception {
public:
    explicit error(dcc_status status) noexcept : status_(status)
    {
        dcc_last_error(text_, sizeof text_, nullptr);
    }

    const char *what() const noexcept override
    {
        return text_[0] != '\0' ? text_ : dcc_status_string(status_);
    }

    dcc_status status() const noexcept { return status_; }

private:
    dcc_status status_;
    char text_[256] = {};
};

namespace detail {

inline void throw_if_failed(dcc_status status)
{
#if DCC_CANCEL_EXCEPTIONS
    if (status < 0)
        throw error(status);
#else
    static_cast<void>(status);
#endif
}

#if DCC_CANCEL_EXCEPTIONS
[[noreturn]] inline void throw_cancelled(dcc_status status)
{
    throw cancelled_error(status);
}
#endif

/* A text of the library, fetched by a call that fills a buffer as snprintf does. */
template <class Fetch> std::string text(Fetch fetch)
{
    char first[128];
    std::size_t length = 0;
    if (fetch(first, sizeof first, &length) < 0)
        return std::string();
    if (length < sizeof first)
        return std::string(first, length);
    std::string longer(length + 1, '\0');
    if (fetch(&longer[0], longer.size(), &length) < 0)
        return std::string();
    // It may have become shorter, or longer than there is room for, in between.
    longer.resize(length < longer.size() ? length : longer.size() - 1);
    return longer;
}

inline dcc_status retain(const dcc_cancel_token *object) noexcept { return dcc_cancel_token_retain(object); }
inline dcc_status retain(const dcc_job *object) noexcept { return dcc_job_retain(object); }
inline dcc_status retain(const dcc_context *object) noexcept { return dcc_context_retain(object); }
inline void release(dcc_cancel_token *object) noexcept { dcc_cancel_token_release(object); }
inline void release(dcc_job *object) noexcept { dcc_job_release(object); }
inline void release(dcc_context *object) noexcept { dcc_context_release(object); }

/* One reference of an object. */
template <class Object> class reference {
public:
    reference() noexcept = default;
    reference(const reference &other) noexcept : object_(other.object_) { keep(); }
    reference(reference &&other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    ~reference() { reset(); }

    reference &operator=(reference other) noexcept
    {
        std::swap(object_, other.object_);
        return *this;
    }

    Object *get() const noexcept { return object_; }

    explicit operator bool() const noexcept { return object_ != nullptr; }

    void reset() noexcept
    {
        if (Object *object = std::exchange(object_, nullptr))
            release(object);
    }

    /* Gives the reference to the caller, who releases it. */
    [[nodiscard]] Object *detach() noexcept { return std::exchange(object_, nullptr); }

    friend bool operator==(const reference &left, const reference &right) noexcept
    {
        return left.object_ == right.object_;
    }
    friend bool operator!=(const reference &left, const reference &right) noexcept
    {
        return left.object_ != right.object_;
    }

protected:
    /* Takes over a reference. */
    explicit reference(Object *object) noexcept : object_(object) {}

    /* Adds a reference to the one that somebody else has. An object that is no more, or that has
     * no reference left to give, becomes an empty one. */
    void keep() noexcept
    {
        if (object_ != nullptr && retain(object_) != DCC_OK)
            object_ = nullptr;
    }

    Object **out() noexcept
    {
        reset();
        return &object_;
    }

private:
    Object *object_ = nullptr;
};

/* Undoes at the end of a scope what was installed, and what others left on top of it. */
class scope {
public:
    scope(const scope &) = delete;
    scope &operator=(const scope &) = delete;

    /* Negative if nothing was installed. */
    dcc_status status() const noexcept { return status_; }

protected:
    scope() noexcept = default;
    ~scope()
    {
        if (ticket_ != 0)
            dcc_context_unwind(ticket_);
    }

    template <class Object>
    void install(dcc_status (*set)(const Object *, dcc_ticket *), const Object *object)
    {
        status_ = set(object, &ticket_);
        throw_if_failed(status_);
    }

private:
    dcc_ticket ticket_ = 0;
    dcc_status status_ = DCC_OK;
};

} // namespace detail

/* Why a token is cancelled. */
enum class cause : std::int32_t {
    none = DCC_CAUSE_NONE,
    request = DCC_CAUSE_REQUEST,
    foreign = DCC_CAUSE_FOREIGN
};

/* A cancellation flag with a reason. Copies are the same token. */
class token : public detail::reference<dcc_cancel_token> {
public:
    /* The token that is never cancelled. */
    token() noexcept = default;

    static token create() { return create({}); }

    /* A token that is cancelled when any of its parents is. `job_id` is the id that a server gave
     * the job that this is for. */
    static token create(std::initializer_list<token> parents, std::string_view job_id = {})
    {
        token result;
        detail::throw_if_failed(try_create(result, parents, job_id));
        return result;
    }

    /* As create; `result` is empty unless the answer is DCC_OK or DCC_SECOND_INSTANCE. */
    static dcc_status try_create(token &result, std::initializer_list<token> parents = {},
                                 std::string_view job_id = {}) noexcept
    {
        static_assert(sizeof(token) == sizeof(dcc_cancel_token *) &&
                          std::is_standard_layout_v<token>,
                      "an array of tokens is an array of handles");
        dcc_cancel_token_desc desc = {};
        desc.struct_size = sizeof desc;
        desc.parents = reinterpret_cast<const dcc_cancel_token *const *>(parents.begin());
        desc.parent_count = parents.size();
        desc.job_id = job_id.data();
        desc.job_id_length = job_id.size();
        return dcc_cancel_token_create_from(&desc, result.out());
    }

    /* Takes over a reference that a C function gave. */
    static token adopt(dcc_cancel_token *handle) noexcept { return token(handle); }

    /* Shares a token that was lent. */
    static token share(const dcc_cancel_token *handle) noexcept
    {
        token result(const_cast<dcc_cancel_token *>(handle));
        result.keep();
        return result;
    }

    /* The current token of this thread. */
    static token current() noexcept { return share(dcc_cancel_token_current()); }

    /* True if this call cancelled it, false if it was cancelled before or is no more. */
    bool cancel(std::string_view reason = {}) const noexcept
    {
        return *this && dcc_cancel_token_cancel(get(), reason.data(), reason.size()) == DCC_OK;
    }

    bool is_cancelled() const noexcept { return dcc_cancel_token_is_cancelled(get()) != DCC_OK; }

    /* False for the empty token: a loop may leave polling out. */
    bool can_be_cancelled() const noexcept { return dcc_cancel_token_can_be_cancelled(get()) == 1; }

    std::string reason() const
    {
        return detail::text([this](char *buffer, std::size_t size, std::size_t *length) {
            return dcc_cancel_token_reason(get(), buffer, size, length);
        });
    }

    dcc::cause cause() const noexcept
    {
        dcc_cause number = DCC_CAUSE_NONE;
        dcc_cancel_token_cause(get(), &number);
        return static_cast<dcc::cause>(number);
    }

    /* Zero while it is not cancelled. */
    std::chrono::nanoseconds time_since_cancelled() const noexcept
    {
        std::uint64_t nanoseconds = 0;
        dcc_cancel_token_time_since_cancelled(get(), &nanoseconds);
        return std::chrono::nanoseconds(nanoseconds);
    }

    std::string job_id() const
    {
        return detail::text([this](char *buffer, std::size_t size, std::size_t *length) {
            return dcc_cancel_token_job_id(get(), buffer, size, length);
        });
    }

#if DCC_CANCEL_EXCEPTIONS
    void throw_if_cancelled() const
    {
        if (dcc_status status = dcc_cancel_token_is_cancelled(get()))
            detail::throw_cancelled(status < 0 ? DCC_POLL_GONE : status);
    }
#endif

private:
    explicit token(dcc_cancel_token *handle) noexcept : reference(handle) {}
};

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
};

/* One unit of a host's work. Copies are the same job. */
class job : public detail::reference<dcc_job> {
public:
    /* How far a job is; `total` is 0 while unknown. */
    struct progress_info {
        std::uint64_t done = 0;
        std::uint64_t total = 0;
    };

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
        const dcc_status number = dcc_job_state(get());
        return number < 0 ? job_state::none : static_cast<job_state>(number);
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

    progress_info progress() const noexcept
    {
        dcc_job_progress_info info = {};
        info.struct_size = sizeof info;
        dcc_job_progress(get(), &info);
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

        static void destroy(void *user_data) { delete static_cast<owned *>(user_data); }

        static std::int32_t ask(void *user_data)
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
                dcc_job_fail(current, what, DCC_NUL_TERMINATED);
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

/* Makes a token current on this thread until the end of the scope; an empty one masks. */
class token_scope : public detail::scope {
public:
    explicit token_scope(const token &installed)
    {
        install<dcc_cancel_token>(dcc_cancel_token_set_current, installed.get());
    }
};

/* Makes a job current on this thread until the end of the scope; an empty one masks. */
class job_scope : public detail::scope {
public:
    explicit job_scope(const job &installed) { install<dcc_job>(dcc_job_set_current, installed.get()); }
};

/* What is current on a thread, to be entered on others. */
class context : public detail::reference<dcc_context> {
public:
    /* Nothing current. */
    context() noexcept = default;

    static context capture()
    {
        context result;
        detail::throw_if_failed(try_capture(result));
        return result;
    }

    static dcc_status try_capture(context &result) noexcept
    {
        return dcc_context_capture(result.out());
    }
};

/* Enters a captured context on this thread until the end of the scope. */
class context_scope : public detail::scope {
public:
    explicit context_scope(const context &entered)
    {
        install<dcc_context>(dcc_context_enter, entered.get());
    }
};

/* The poll for loops: a snapshot of what is current when it is made. Keep it local, so that it
 * stays in registers. It holds no reference; see dcc_poll_current. */
class poller {
public:
    poller() noexcept : pair_(dcc_poll_current()) {}

    /* Whether to stop. */
    bool operator()(DCC_CANCEL_HERE_) const noexcept { return status(file, line) != DCC_OK; }

    /* Why to stop, DCC_OK to go on. */
    dcc_status status(DCC_CANCEL_HERE_) const noexcept { return dcc_poll_at(pair_, file, line); }

#if DCC_CANCEL_EXCEPTIONS
    void throw_if_cancelled(DCC_CANCEL_HERE_) const
    {
        if (dcc_status why = status(file, line))
            detail::throw_cancelled(why);
    }
#endif

private:
    dcc_poll_pair pair_;
};

/* The poll of one given token. Keep the token as long as you poll. */
class token_poller {
public:
    explicit token_poller(const token &polled) noexcept : layer_(dcc_poll_of(polled.get())) {}

    bool operator()(DCC_CANCEL_HERE_) const noexcept { return status(file, line) != DCC_OK; }

    dcc_status status(DCC_CANCEL_HERE_) const noexcept { return dcc_poll_one_at(layer_, file, line); }

#if DCC_CANCEL_EXCEPTIONS
    void throw_if_cancelled(DCC_CANCEL_HERE_) const
    {
        if (dcc_status why = status(file, line))
            detail::throw_cancelled(why);
    }
#endif

private:
    dcc_poll_layer layer_;
};

/* The probe: whether this thread's work should stop; no snapshot needed. */
inline bool is_cancelled() noexcept { return dcc_check_cancelled() != DCC_OK; }

#if DCC_CANCEL_EXCEPTIONS
inline void throw_if_cancelled()
{
    if (dcc_status why = dcc_check_cancelled())
        detail::throw_cancelled(why);
}
#endif

namespace detail {

/* Calls what works for a job and ends the job by what it answers. */
template <class Function> void end_by_answer(const job &work, Function &&function)
{
    using answer = decltype(std::forward<Function>(function)());
    if constexpr (std::is_convertible_v<answer, bool>) {
        if (!std::forward<Function>(function)()) {
            work.acknowledge_cancel();
            return;
        }
    } else {
        std::forward<Function>(function)();
    }
    work.complete();
}

} // namespace detail

/* Runs a function as a job on this thread: begins it, makes it current, and ends it. Completed when
 * the function returns nothing or true, cancelled when it returns false or throws cancelled_error,
 * failed with the text when it throws anything else. A job that was cancelled before is not run.
 * Nothing is thrown from here but by a failing install. */
template <class Function> job_state run(const job &work, Function &&function)
{
    if (!work.begin()) {
        if (work.is_cancelled())
            work.acknowledge_cancel();
        return work.state();
    }
    job_scope current(work);
#if DCC_CANCEL_EXCEPTIONS
    try {
        detail::end_by_answer(work, std::forward<Function>(function));
    } catch (const cancelled_error &) {
        work.acknowledge_cancel();
    } catch (const std::exception &thrown) {
        work.fail(thrown.what());
    } catch (...) {
        work.fail("threw what is no std::exception");
    }
#else
    detail::end_by_answer(work, std::forward<Function>(function));
#endif
    return work.state();
}

} // namespace dcc

#undef DCC_CANCEL_HERE_

#endif /* DCC_CANCEL_HPP */
