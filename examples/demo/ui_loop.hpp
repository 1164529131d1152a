// Stands for a host's UI loop: whatever it does, it does between two ticks, and nothing is drawn
// meanwhile.
#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

namespace demo {

class ui_loop {
public:
    using clock = std::chrono::steady_clock;
    static constexpr clock::duration period = std::chrono::nanoseconds(1'000'000'000 / 60);

    // Calls `tick` 60 times a second until it answers false.
    template <class Tick> void run(Tick tick)
    {
        clock::time_point due = clock::now();
        for (bool more = true; more;) {
            const clock::time_point start = clock::now();
            more = tick();
            const clock::time_point end = clock::now();
            longest_tick_ = std::max(longest_tick_, end - start);
            ++ticks_;
            // A late loop does not catch up.
            due = std::max(due + period, end);
            if (more)
                std::this_thread::sleep_until(due);
        }
    }

    // The longest time that a tick kept the UI from doing anything else.
    clock::duration longest_tick() const { return longest_tick_; }

    int ticks() const { return ticks_; }

private:
    clock::duration longest_tick_ = {};
    int ticks_ = 0;
};

} // namespace demo
