/* The functions of a host for its dispatcher. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_HOST_HPP
#define DCC_CANCEL_HOST_HPP

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "exception_handler.hpp"
#include "job.hpp"
#include "owner.hpp"
#include "posting.hpp"
#include "time.hpp"

namespace dcc {

/* A call that a thread of the host's pool has to make, once. */
class pool_task {
public:
    pool_task(void (*run)(void *), void *argument) noexcept : run_(run), argument_(argument) {}

    void operator()() const noexcept { run_(argument_); }

private:
    void (*run_)(void *);
    void *argument_;
};

/* What a dispatcher is created from. Exceptions of its functions go to set_callback_exception_handler's
 * handler. */
struct dispatcher_options {
    /* Maximum number of jobs that may wait for their turn; 0 means 1024. */
    std::uint32_t capacity = 0;
    /* The dispatcher belongs to the thread that pumps it first, not to the creating thread. If none has, the
     * completions run where its last copy ends. */
    bool bind_later = false;
    /* Deadline of a job whose post has none, counted from the post; zero: no deadline. */
    std::chrono::nanoseconds default_deadline = std::chrono::nanoseconds(0);
    /* After so long inside one function or wait the dispatcher's thread counts as stuck; zero means ten
     * seconds, no_limit never. */
    std::chrono::nanoseconds wedge_threshold = std::chrono::nanoseconds(0);
    /* The shortest time between two calls of `progress` for one job; zero means 100 milliseconds. */
    std::chrono::nanoseconds progress_interval = std::chrono::nanoseconds(0);
    /* Called on any thread when there is work: arrange for a pump. */
    std::function<void()> wake = {};
    /* True: "not now". Called on the dispatcher's thread before each job, slice and completion of a pump. An
     * exception means "not now" too. */
    std::function<bool()> veto = {};
    /* Shows the progress of a job, on the dispatcher's thread. */
    std::function<void(const job &, job_progress)> progress = {};
    /* Lets the host's pool call the task: true. False or an exception: the job is refused. */
    std::function<bool(pool_task)> execute = {};
    /* Kept until the dispatcher is gone. */
    std::shared_ptr<const void> keep_alive = {};
    /* The plugin that the code of these functions and of `keep_alive` belongs to. */
    const dcc::owner *owner = nullptr;
};

namespace detail {

/* The options that a dispatcher keeps, as its user data. */
class host {
public:
    explicit host(dispatcher_options &&options) noexcept
        : wake_(std::move(options.wake)), veto_(std::move(options.veto)),
          progress_(std::move(options.progress)), execute_(std::move(options.execute)),
          keep_alive_(std::move(options.keep_alive))
    {
    }

    /* Fills in the functions of a descriptor. */
    void describe(dcc_dispatcher_desc &desc) noexcept
    {
        desc.user_data = this;
        desc.destroy = destroy;
        desc.wake = wake_ ? wake : nullptr;
        desc.veto = veto_ ? veto : nullptr;
        desc.progress = progress_ ? progress : nullptr;
        desc.execute = execute_ ? execute : nullptr;
    }

private:
    DCC_CANCEL_HIDDEN_ static void wake(void *user_data) noexcept
    {
        call_guarded(static_cast<host *>(user_data)->wake_);
    }

    DCC_CANCEL_HIDDEN_ static std::int32_t veto(void *user_data) noexcept
    {
        bool vetoes = true;
        call_guarded([&] { vetoes = static_cast<host *>(user_data)->veto_(); });
        return vetoes ? 1 : 0;
    }

    DCC_CANCEL_HIDDEN_ static void progress(const dcc_job *handle, std::uint64_t done,
                                            std::uint64_t total, void *user_data) noexcept
    {
        const lent_job lent(handle);
        const job_progress info = {done, total};
        call_guarded([&] { static_cast<host *>(user_data)->progress_(lent.get(), info); });
    }

    DCC_CANCEL_HIDDEN_ static std::int32_t execute(void (*run)(void *), void *argument,
                                                   void *user_data) noexcept
    {
        bool will = false;
        call_guarded([&] {
            will = static_cast<host *>(user_data)->execute_(pool_task(run, argument));
        });
        return will ? 0 : 1;
    }

    DCC_CANCEL_HIDDEN_ static void destroy(void *user_data) noexcept
    {
        delete static_cast<host *>(user_data);
    }

    std::function<void()> wake_;
    std::function<bool()> veto_;
    std::function<void(const job &, job_progress)> progress_;
    std::function<bool(pool_task)> execute_;
    std::shared_ptr<const void> keep_alive_;
};

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_HOST_HPP */
