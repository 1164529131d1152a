/* Doing work on a dispatcher's thread that has to be done. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_ITS_THREAD_HPP
#define DCC_CANCEL_ITS_THREAD_HPP

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "config.hpp"
#include "job.hpp"

namespace dcc {

namespace detail {

/* Longest wait for a thread that does not pump. */
constexpr std::uint64_t longest_wait_for_thread_ns = UINT64_C(10000000000);

/* A call on a dispatcher's thread, and its progress. */
struct call_elsewhere {
    void (*function)(void *);
    void *argument;
    std::atomic<bool> has_begun{false};
    std::atomic<bool> is_done{false};

    DCC_CANCEL_HIDDEN_ static std::int32_t run(const dcc_job *, void *user_data) noexcept
    {
        auto &self = *static_cast<call_elsewhere *>(user_data);
        self.has_begun.store(true, std::memory_order_relaxed);
        self.function(self.argument);
        self.is_done.store(true, std::memory_order_release);
        return DCC_OK;
    }
};

/* Calls a function in the next pump of a dispatcher and waits until it has returned. False: it is never
 * called, because that thread has ended, is stuck, did not pump for ten seconds or waits for this one, or
 * because the dispatcher is closed. This is used in the close of an owner, after which nothing of the owner
 * may be called: so the job has no owner, no completion and no destroy-notify. */
inline bool call_on_its_thread(const dcc_dispatcher *dispatcher, void *argument,
                               void (*function)(void *)) noexcept
{
    call_elsewhere call{function, argument};
    dcc_post_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.function = call_elsewhere::run;
    desc.user_data = &call;
    desc.lane = DCC_LANE_INTERACTIVE;
    desc.deadline_after_ns = DCC_NO_LIMIT;
    const std::uint64_t until_ns = dcc_clock_now_ns() + longest_wait_for_thread_ns;
    for (;;) {
        const std::uint64_t now_ns = dcc_clock_now_ns();
        const std::uint64_t left_ns = now_ns < until_ns ? until_ns - now_ns : 0;
        dcc_job *handle = nullptr;
        const dcc_status status =
            dcc_dispatcher_post_and_wait(dispatcher, &desc, left_ns, &handle, nullptr);
        const job work = job::adopt(handle);
        if (status == DCC_ERROR_OVERLOADED && left_ns != 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            continue;
        }
        if (status < 0 || (status != DCC_STARTED && !call.has_begun.load(std::memory_order_relaxed)))
            return false;
        /* The function has begun, and uses variables of this call. */
        while (!call.is_done.load(std::memory_order_acquire))
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return true;
    }
}

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_ITS_THREAD_HPP */
