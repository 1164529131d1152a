/* Waiting for threads to end. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_JOINING_HPP
#define DCC_CANCEL_JOINING_HPP

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

#include "condition.hpp"
#include "token.hpp"

namespace dcc {

namespace detail {

/* Counts threads that are at work. The thread that waits for them is often the one that may ask hosts' own
 * checks, because it made them. So `wait` asks meanwhile, which std::thread::join cannot. */
class threads_at_work {
public:
    void begin()
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        ++count_;
    }

    void end() noexcept
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        --count_;
        changed_.notify_all();
    }

    void wait()
    {
        std::unique_lock<std::mutex> lock(mutex_);
        const token none;
        const auto is_done = [this] { return count_ == 0; };
        wait_at_most(changed_, lock, none, DCC_NO_LIMIT, is_done);
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t count_ = 0;
};

/* A thread's part of the count, from before the thread starts to the end of its work. */
class at_work {
public:
    explicit at_work(std::shared_ptr<threads_at_work> counted) : counted_(std::move(counted))
    {
        counted_->begin();
    }
    at_work(at_work &&) noexcept = default;
    at_work &operator=(at_work &&) = delete;
    ~at_work()
    {
        if (counted_)
            counted_->end();
    }

private:
    std::shared_ptr<threads_at_work> counted_;
};

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_JOINING_HPP */
