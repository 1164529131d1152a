// Shows: long work on a UI thread as a coroutine (C++20). It gives the tick back when its share of that is
// used up, calls another coroutine, waits without using a tick, and rolls back when it is cancelled.
//
// Run, after `cargo build --release`, on Linux:
//     ln -sf libdcc_cancel.so target/release/libdcc_cancel.so.2
//     c++ -std=c++20 -O2 -pthread -Iinclude -Ltarget/release examples/coroutine.cpp
//         -ldcc_cancel -Wl,-rpath,target/release -o target/coroutine   (one line)
//     target/coroutine

#include "dcc_cancel.hpp"
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

using mesh = std::vector<float>;

// One pass. Returns how far the points moved.
dcc::task<float> relax(mesh &points)
{
    float moved = 0;
    for (std::size_t at = 1; at + 1 < points.size(); ++at) {
        const float middle = (points[at - 1] + points[at + 1]) / 2;
        moved += middle > points[at] ? middle - points[at] : points[at] - middle;
        points[at] = middle;
        co_await dcc::slice(); // goes on in the next tick if the share of this one is used up
    }
    co_return moved;
}

dcc::task<> smooth(mesh &points)
{
    const mesh before = points;
    try {
        while (co_await relax(points) > 0.001f)
            co_await 1ms; // let the viewport draw it
    } catch (const dcc::cancelled_error &told) {
        points = before;
        std::printf("rolled back: %s\n", told.reason().c_str());
        throw;
    }
}

int main()
{
    dcc::dispatcher ui = dcc::dispatcher::create();
    bool is_cancelled = false;
    dcc::post_options posting;
    posting.completion = [&is_cancelled](const dcc::job &job, dcc::job_state state) {
        is_cancelled = state == dcc::job_state::cancelled;
        std::printf("%s: %s\n", job.label().c_str(), is_cancelled ? "cancelled" : "ended");
    };
    mesh points(100000);
    for (std::size_t at = 0; at < points.size(); ++at)
        points[at] = static_cast<float>(at % 7);
    const mesh before = points;
    const dcc::job job = ui.post("Smooth", smooth(points), posting);
    std::thread user([&job] {
        std::this_thread::sleep_for(100ms);
        job.cancel("the user pressed Esc");
    });
    while (job.state() <= dcc::job_state::running) {
        ui.pump(8ms); // the tick of the host's own loop
        std::this_thread::sleep_for(8ms);
    }
    user.join();
    return is_cancelled && points == before ? 0 : 1;
}
