// A host whose main thread does not come back from a job, so that its window would answer no more. It
// prints "ready <job id>", and "stopped: <reason>" once the job was cancelled from outside.

#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

#include "dcc_cancel.hpp"

int main()
{
    // As a host has it: a write to a socket whose peer has gone must not end it.
    std::signal(SIGPIPE, SIG_DFL);
    dcc::control_endpoint endpoint("Frozen host");
    dcc::dispatcher ui = dcc::dispatcher::create();
    dcc::post_options options;
    options.completion = [](const dcc::job &job, dcc::job_state end) {
        std::printf("stopped: %s, %d\n", job.token().reason().c_str(), static_cast<int>(end));
        std::fflush(stdout);
    };
    ui.post(
        "Bake",
        [](const dcc::job &job) {
            std::printf("ready %llu\n", static_cast<unsigned long long>(job.id()));
            std::fflush(stdout);
            dcc::poller cancelled;
            for (std::uint64_t frame = 0; !cancelled(); ++frame) {
                job.set_progress(frame, 0);
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
            return false;
        },
        options);
    ui.pump(std::chrono::hours(1));
}
