// The record of a task, for the tests of tasks.
#ifndef DCC_TESTS_TASK_LOG_HPP
#define DCC_TESTS_TASK_LOG_HPP

#include "dcc_cancel.hpp"
#include "expect.hpp"

#include <exception>
#include <thread>

// The record of one task.
struct log {
    std::thread::id thread = std::this_thread::get_id();
    int steps = 0;
    int made = 0;
    int destroyed = 0;
    int rolled_back = 0;
    int committed = 0;
    int completions = 0;
    dcc::job_state state = dcc::job_state::none;
};

// A guard like that of a transaction: it rolls back if it is destroyed by an exception.
class guard {
public:
    explicit guard(log &told) : log_(told), before_(std::uncaught_exceptions())
    {
        EXPECT(std::this_thread::get_id() == told.thread);
        ++told.made;
    }
    guard(const guard &) = delete;
    guard &operator=(const guard &) = delete;
    ~guard()
    {
        EXPECT(std::this_thread::get_id() == log_.thread);
        EXPECT(log_.completions == 0);
        ++log_.destroyed;
        if (std::uncaught_exceptions() > before_)
            ++log_.rolled_back;
    }

private:
    log &log_;
    int before_;
};

inline dcc::post_options told_to(log &told)
{
    dcc::post_options options;
    options.completion = [&told](const dcc::job &, dcc::job_state state) {
        ++told.completions;
        told.state = state;
    };
    return options;
}

// Pumps until a job is over.
inline void pump_until_over(const dcc::dispatcher &queue, const log &told)
{
    while (told.completions == 0) {
        queue.pump_all();
        std::this_thread::yield();
    }
}

#endif
