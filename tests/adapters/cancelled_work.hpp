// The programs of this folder share this: work that another thread cancels once it has begun.
#ifndef DCC_TESTS_CANCELLED_WORK_HPP
#define DCC_TESTS_CANCELLED_WORK_HPP

#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>

#include "../cpp/expect.hpp"
#include "../cpp/gate.hpp"
#include "../cpp/hangs.hpp"
#include "dcc_cancel.hpp"

using test_clock = std::chrono::steady_clock;

inline double milliseconds(test_clock::duration time)
{
    return std::chrono::duration<double, std::milli>(time).count();
}

// How long a test's own server and its limits on transfers wait for the cancel that ends them.
inline std::chrono::milliseconds gives_up_after = hangs_after;

// Whether the adapter's poll is there; without it the program has to show that nothing stops.
inline bool is_polled(int argc, char **argv)
{
    const bool is_polled = argc < 2 || std::strcmp(argv[1], "--without-poll") != 0;
    if (!is_polled)
        gives_up_after = std::chrono::seconds(3);
    return is_polled;
}

// Waits until the condition holds.
template <class Condition> void until(Condition condition)
{
    const auto last = test_clock::now() + hangs_after;
    while (!condition()) {
        const bool is_in_time = test_clock::now() < last;
        EXPECT(is_in_time);
        std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
}

// Cancels a job on a thread of its own as soon as the work says that it has begun.
class canceller {
public:
    explicit canceller(const dcc::job &job) : thread_([this, job] {
        begun_.wait();
        cancelled_at_ = test_clock::now();
        EXPECT(job.cancel("the user pressed Esc"));
        cancelled_.open();
    })
    {
    }

    ~canceller()
    {
        work_has_begun();
        thread_.join();
    }

    // Any thread may call this, any number of times. It returns when the job is cancelled, so that the work
    // cannot end first on a busy machine.
    void work_has_begun()
    {
        begun_.open();
        cancelled_.wait();
    }

    // Called after the work: how long the work went on after the cancel.
    double milliseconds_since_cancel(test_clock::time_point end)
    {
        work_has_begun();
        return milliseconds(end - cancelled_at_);
    }

private:
    gate begun_, cancelled_;
    test_clock::time_point cancelled_at_;
    std::thread thread_;
};

// Does some work and cancels its job meanwhile, as soon as the condition holds. Returns how long the work
// went on after the cancel.
template <class Condition, class Work>
double cancelled_once(const dcc::job &job, Condition condition, Work work)
{
    canceller user(job);
    std::thread watcher([&] {
        until(condition);
        user.work_has_begun();
    });
    work();
    const auto end = test_clock::now();
    watcher.join();
    return user.milliseconds_since_cancel(end);
}

inline void print_figure(const char *library, double cancel_to_return, double whole_run)
{
    std::printf("FIGURE %s cancel to return: %.1f ms; whole run without: %.0f ms\n", library,
                cancel_to_return, whole_run);
}

#endif
