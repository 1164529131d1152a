// The threads of the stand-in for Houdini, on which UTparallelFor runs. They live from loop to loop, like
// TBB's, so anything that a plugin leaves current on one of them affects the next loop.

#include <UT/UT_ParallelUtil.h>

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "host.hpp"

namespace {

// A function that a test has called in the middle of loops.
class hook {
public:
    void set(std::function<void()> function)
    {
        std::lock_guard<std::mutex> lock(lock_);
        function_ = std::move(function);
    }

    void call()
    {
        std::function<void()> called;
        {
            std::lock_guard<std::mutex> lock(lock_);
            called = function_;
        }
        if (called)
            called();
    }

private:
    std::mutex lock_;
    std::function<void()> function_;
};

hook before_chunk, other_task;

thread_local int isolations = 0;

// A parallel loop: each thread that works on it takes one chunk after the other.
class loop {
public:
    loop(int count, const std::function<void(int)> &chunk) : count_(count), left_(count), chunk_(chunk)
    {
    }

    void work()
    {
        for (int number = take(); number < count_; number = take()) {
            try {
                before_chunk.call();
                chunk_(number);
            } catch (...) {
                std::lock_guard<std::mutex> lock(lock_);
                thrown_ = std::current_exception();
            }
            std::lock_guard<std::mutex> lock(lock_);
            if (--left_ == 0)
                over_.notify_all();
        }
    }

    void wait()
    {
        std::unique_lock<std::mutex> lock(lock_);
        over_.wait(lock, [this] { return left_ == 0; });
        if (thrown_)
            std::rethrow_exception(thrown_);
    }

private:
    int take()
    {
        std::lock_guard<std::mutex> lock(lock_);
        return next_ < count_ ? next_++ : count_;
    }

    std::mutex lock_;
    std::condition_variable over_;
    const int count_;
    int next_ = 0, left_;
    std::exception_ptr thrown_;
    // This is not called after all chunks were taken, and so not after wait.
    const std::function<void(int)> &chunk_;
};

class pool {
public:
    pool()
    {
        for (int number = 1; number < stand_in::number_of_threads; ++number)
            threads_.emplace_back([this] { serve(); });
    }

    void help_with(const std::shared_ptr<loop> &helped)
    {
        {
            std::lock_guard<std::mutex> lock(lock_);
            waiting_.insert(waiting_.end(), threads_.size(), helped);
        }
        changed_.notify_all();
    }

private:
    void serve()
    {
        std::unique_lock<std::mutex> lock(lock_);
        for (;;) {
            changed_.wait(lock, [this] { return !waiting_.empty(); });
            const std::shared_ptr<loop> helped = std::move(waiting_.front());
            waiting_.pop_front();
            lock.unlock();
            helped->work();
            lock.lock();
        }
    }

    std::mutex lock_;
    std::condition_variable changed_;
    std::deque<std::shared_ptr<loop>> waiting_;
    std::vector<std::thread> threads_;
};

} // namespace

void stand_in::run_in_parallel(int count, const std::function<void(int)> &chunk)
{
    // The pool lives as long as the process, because a failed check ends the process on any of these threads.
    static pool &threads = *new pool;
    const auto made = std::make_shared<loop>(count, chunk);
    threads.help_with(made);
    made->work();
    if (isolations == 0)
        other_task.call();
    made->wait();
}

void stand_in::run_isolated(const std::function<void()> &function)
{
    ++isolations;
    try {
        function();
    } catch (...) {
        --isolations;
        throw;
    }
    --isolations;
}

void host::set_before_chunk(std::function<void()> before) { before_chunk.set(std::move(before)); }

void host::set_other_task(std::function<void()> task) { other_task.set(std::move(task)); }
