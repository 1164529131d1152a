// The threads that share a pass wait here for each other, until one of them is asked to stop.
#pragma once

#include <dcc_cancel.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <utility>

class PassBarrier
{
public:
    explicit PassBarrier(std::size_t members) : members_(members) {}

    // Waits until all threads are here. False: stop, because one of them does not go on. A thread that waits
    // polls meanwhile, so that Maya's main thread notices Esc even if it has finished first.
    bool meet(bool goesOn)
    {
        std::unique_lock<std::mutex> lock(mutex_);
        const std::size_t pass = pass_;
        if (++here_ == members_)
        {
            here_ = 0;
            ++pass_;
            changed_.notify_all();
        }
        const auto over = [&] { return stopped_ || pass != pass_; };
        while (goesOn && !changed_.wait_for(lock, std::chrono::milliseconds(10), over))
        {
            lock.unlock();
            goesOn = !dcc::is_cancelled(); // it may call Maya, so the lock is released
            lock.lock();
        }
        if (!goesOn)
        {
            stopped_ = true;
            changed_.notify_all();
        }
        return !stopped_;
    }

    // Ends all waits, with the answer "stop".
    void stop()
    {
        std::lock_guard<std::mutex> lock(mutex_);
        stopped_ = true;
        changed_.notify_all();
    }

    // Stops because of an exception. rethrow() throws it on the thread that has started the work.
    void fail(std::exception_ptr thrown)
    {
        std::lock_guard<std::mutex> lock(mutex_);
        thrown_ = std::move(thrown);
        stopped_ = true;
        changed_.notify_all();
    }

    void rethrow()
    {
        if (thrown_)
            std::rethrow_exception(thrown_);
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t members_;
    std::size_t here_ = 0;
    std::size_t pass_ = 0;
    bool stopped_ = false;
    std::exception_ptr thrown_;
};
