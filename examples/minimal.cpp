// Shows: a long job that another thread cancels, in twenty lines of C++.
//
// Run, after `cargo build --release`, on Linux:
//     ln -sf libdcc_cancel.so target/release/libdcc_cancel.so.2
//     c++ -std=c++17 -O2 -pthread -Iinclude -Ltarget/release examples/minimal.cpp
//         -ldcc_cancel -Wl,-rpath,target/release -o target/minimal   (one line)
//     target/minimal

#include "dcc_cancel.hpp"
#include <chrono>
#include <cstdio>
#include <thread>

int main()
{
    dcc::job job = dcc::job::create({"Count to a billion"});
    std::thread user([job] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        job.cancel("the user pressed Esc");
    });

    volatile long counted = 0;
    dcc::job_state end = dcc::run(job, [&counted] {
        dcc::poller cancelled; // asks what is current on this thread
        while (counted < 1000000000 && !cancelled())
            counted = counted + 1;
        return !cancelled();
    });
    user.join();

    std::printf("%s after %ld steps: %s\n", end == dcc::job_state::cancelled ? "cancelled" : "done",
                counted, job.token().reason().c_str());
    return end == dcc::job_state::cancelled ? 0 : 1;
}
