// Stands for a host's UI loop. Each tick lets posted jobs run and then draws. During a tick the UI does
// nothing else.
#pragma once

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "dcc_cancel.hpp"

namespace demo {

class ui_loop {
public:
    using clock = std::chrono::steady_clock;
    static constexpr clock::duration period = std::chrono::nanoseconds(1'000'000'000 / 60);
    // The part of a period that jobs may use: three slices and a little more.
    static constexpr std::chrono::nanoseconds budget = std::chrono::milliseconds(13);

    // The dispatcher of this loop, to post jobs to.
    const dcc::dispatcher &jobs() const { return jobs_; }

    // Ticks 60 times a second until all posted jobs are over.
    template <class Draw> void run(Draw draw)
    {
        longest_tick_ = std::chrono::nanoseconds(0);
        clock::time_point due = clock::now();
        for (bool more = true; more;) {
            previous_start_ = std::exchange(start_, clock::now());
            const dcc::tick tick = jobs_.pump(budget);
            longest_tick_ = std::max(longest_tick_, tick.elapsed);
            more = tick.remaining != 0;
            draw();
            // A loop that is late does not make up for the ticks that it has missed.
            due = std::max(due + period, clock::now());
            if (more)
                std::this_thread::sleep_until(due);
        }
    }

    // The longest tick of the latest run.
    std::chrono::nanoseconds longest_tick() const { return longest_tick_; }

    // The time since the previous tick began. A cancel that is older must have been obeyed in that tick.
    std::chrono::nanoseconds since_previous_tick() const { return clock::now() - previous_start_; }

private:
    dcc::dispatcher jobs_ = dcc::dispatcher::create();
    std::chrono::nanoseconds longest_tick_ = {};
    clock::time_point start_ = {};
    clock::time_point previous_start_ = {};
};

} // namespace demo
