// A C++ program linked against the DLL: workers enter a captured context, poll inline and unwind by an
// exception; an exception fails a job; and an object that a job keeps alive is released once.

#include "check.h"
#include "dcc_cancel.hpp"

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

void workers_stop_by_an_exception()
{
    const dcc::token token = dcc::token::create();
    const dcc::token_scope current(token);
    const dcc::context context = dcc::context::capture();

    constexpr int workers = 4;
    std::atomic<int> polling{0};
    std::atomic<int> stopped{0};
    const auto work = [&] {
        const dcc::context_scope entered(context);
        const dcc::poller poll;
        poll.throw_if_cancelled();
        for (++polling;;)
            poll.throw_if_cancelled();
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < workers; ++i) {
        threads.emplace_back([&] {
            try {
                work();
            } catch (const dcc::cancelled_error &why) {
                CHECK(why.status() == DCC_CANCELLED_BY_TOKEN);
                CHECK(!dcc::token::current());
                ++stopped;
            }
        });
    }
    while (polling != workers)
        std::this_thread::yield();
    CHECK(token.cancel("Esc"));
    for (std::thread &thread : threads)
        thread.join();
    CHECK(stopped == workers);
    CHECK(token.reason() == "Esc");
}

void a_job_fails_by_an_exception()
{
    const auto kept = std::make_shared<int>(1);
    {
        dcc::job_options options;
        options.label = "smooth";
        options.keep_alive = kept;
        const dcc::job job = dcc::job::create(options);
        CHECK(kept.use_count() == 3); // ours, the options', the job's
        const dcc::job_state end =
            dcc::run(job, [] { throw std::runtime_error("no such mesh"); });
        CHECK(end == dcc::job_state::failed);
        CHECK(job.failure() == "no such mesh");
    }
    CHECK(kept.use_count() == 1);
}

} // namespace

int main()
{
    workers_stop_by_an_exception();
    a_job_fails_by_an_exception();
    std::puts("linked C++: fine");
    return 0;
}
