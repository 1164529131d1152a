// Stands for a host's UI loop: in each tick it lets posted jobs run, then draws. While a tick lasts
// the UI does nothing else.
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
    // What jobs may have of a period: three slices and a little.
    static constexpr std::chrono::nanoseconds budget = std::chrono::milliseconds(13);

    // Where jobs are posted for this loop.
    const dcc::dispatcher &jobs() const { return jobs_; }

    // Ticks 60 times a second until all that was posted is over.
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
            // A late loop does not catch up.
            due = std::max(due + period, clock::now());
            if (more)
                std::this_thread::sleep_until(due);
        }
    }

    // The longest tick of the latest run.
    std::chrono::nanoseconds longest_tick() const { return longest_tick_; }

    // From the start of the tick before the present one: a cancel that is older was obeyed then.
    std::chrono::nanoseconds since_previous_tick() const { return clock::now() - previous_start_; }

private:
    dcc::dispatcher jobs_ = dcc::dispatcher::create();
    std::chrono::nanoseconds longest_tick_ = {};
    clock::time_point start_ = {};
    clock::time_point previous_start_ = {};
};

} // namespace demo
