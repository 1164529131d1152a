// Shows: a UI thread that pumps jobs from its tick. One job works in slices and shows how far it is until
// another thread cancels it. A second job runs beside it. The UI learns how each of them ended.
//
// Run, after `cargo build --release`, on Linux:
//     ln -sf libdcc_cancel.so target/release/libdcc_cancel.so.2
//     c++ -std=c++17 -O2 -pthread -Iinclude -Ltarget/release examples/dispatcher.cpp
//         -ldcc_cancel -Wl,-rpath,target/release -o target/dispatcher   (one line)
//     target/dispatcher

#include "dcc_cancel.hpp"
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

int main()
{
    dcc::dispatcher_options host;
    host.progress = [](const dcc::job &job, dcc::job_progress info) {
        std::printf("%s: %d of %d\n", job.label().c_str(), static_cast<int>(info.done),
                    static_cast<int>(info.total));
    };
    dcc::dispatcher ui = dcc::dispatcher::create(std::move(host));

    bool is_cancelled = false;
    dcc::post_options posting;
    posting.completion = [&is_cancelled](const dcc::job &job, dcc::job_state state) {
        is_cancelled = state == dcc::job_state::cancelled;
        std::printf("%s: %s, %s\n", job.label().c_str(), is_cancelled ? "cancelled" : "ended",
                    job.token().reason().c_str());
    };
    std::vector<float> mesh(1000);
    std::size_t smoothed = 0;
    const dcc::job smooth = ui.post("Smooth", [&](const dcc::job &job) {
        mesh[smoothed] *= 0.5f; // one slice of the work
        job.set_progress(++smoothed, mesh.size());
        return smoothed < mesh.size() ? dcc::step::again : dcc::step::done;
    }, posting);
    dcc::waited_job counted;
    std::thread user([&] {
        // Another thread that needs data of the UI thread posts a job for it, and waits.
        counted = ui.post_and_wait("Count", [&] { std::printf("%zu so far\n", smoothed); }, 10s);
        std::this_thread::sleep_for(300ms);
        smooth.cancel("the user pressed Esc");
    });

    dcc::tick tick;
    do {
        tick = ui.pump(8ms); // the tick of the host's own loop
        std::this_thread::sleep_for(tick.next.value_or(16ms));
    } while (tick.remaining > 0);
    user.join();
    return is_cancelled && counted ? 0 : 1;
}
