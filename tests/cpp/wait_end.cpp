// Waits for the end of a job: cancel, wait, free. Also compiled without exceptions and RTTI.

#include "dcc_cancel.hpp"
#include "expect.hpp"
#include "gate.hpp"
#include "hangs.hpp"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#if !defined(_WIN32)
#include <poll.h>
#endif

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

struct scene {
    std::atomic<bool> in_use{false};
    ~scene() { EXPECT(!in_use); }
};

// The cancelling code has found the job by its id and does not own the job's thread.
void a_scene_is_freed_after_the_end_of_its_render()
{
    auto rendered = std::make_unique<scene>();
    std::atomic<std::uint64_t> id{0};
    std::thread render([&id, &used = rendered->in_use] {
        dcc::job job = dcc::job::create({"Render"});
        job.begin();
        used = true;
        id = job.id();
        dcc::job_scope scope(job);
        dcc::poller stop;
        while (!stop())
            std::this_thread::yield();
        used = false; // closes its files
        EXPECT(job.acknowledge_cancel());
    });
    while (!id)
        std::this_thread::yield();
    const dcc::job found = dcc::job::find(id);
    EXPECT(!found.wait_for(0s) && !found.wait_for(1ms) && !found.wait_until(steady::now() + 1ms));
    EXPECT(found.cancel("the scene changes"));
    EXPECT(found.wait());
    rendered.reset();
    EXPECT(found.state() == dcc::job_state::cancelled);
    EXPECT(found.wait() && found.wait_for(0s) && found.wait_until(steady::time_point()));
    render.join();
}

void no_job_and_an_ended_one_are_not_waited_for()
{
    EXPECT(dcc::job().wait() && dcc::job().wait_for(0s));
    EXPECT(dcc::job().try_wait_for((std::chrono::hours::max)()) == DCC_OK);
    dcc::job job = dcc::job::create();
    EXPECT(job.try_wait_for(1ms) == DCC_TIMED_OUT);
    EXPECT(job.fail("no") && job.wait());
}

void a_job_does_not_wait_for_itself()
{
    dcc::job job = dcc::job::create();
    dcc::job_scope scope(job);
    EXPECT(job.try_wait_for(1h) == DCC_ERROR_WOULD_DEADLOCK);
    EXPECT(job.try_wait_for(0s) == DCC_TIMED_OUT);
#if DCC_CANCEL_EXCEPTIONS
    dcc_status thrown = DCC_OK;
    try {
        job.wait();
    } catch (const dcc::error &error) {
        thrown = error.status();
    }
    EXPECT(thrown == DCC_ERROR_WOULD_DEADLOCK);
#endif
}

void a_posted_job_has_ended_when_its_completion_has_run()
{
    dcc::dispatcher dispatcher = dcc::dispatcher::create();
    std::atomic<bool> is_completed{false};
    dcc::post_options options;
    options.completion = [&is_completed](const dcc::job &, dcc::job_state) { is_completed = true; };
    dcc::job job = dispatcher.post("Bake", [] {}, options);
    EXPECT(job.try_wait_for(1h) == DCC_ERROR_WOULD_DEADLOCK); // this thread has to pump
    gate waits;
    std::thread other([&] {
        waits.open();
        EXPECT(job.wait() && is_completed);
    });
    waits.wait();
    dispatcher.pump(1h, 10);
    other.join();
}

void an_event_is_set_at_the_end()
{
    dcc::job job = dcc::job::create();
    const dcc::native_event event = job.native_event();
    dcc::native_event of_none;
    EXPECT(event && dcc::job().try_native_event(of_none) >= DCC_OK && of_none);
#if !defined(_WIN32)
    const auto is_set = [](const dcc::native_event &one) {
        pollfd polled = {one.native(), POLLIN, 0};
        return poll(&polled, 1, 0) == 1;
    };
    job.cancel();
    EXPECT(!is_set(event) && is_set(of_none));
    EXPECT(job.acknowledge_cancel() && is_set(event));
#endif
}

// Several threads wait for one result: its work stops when the last of them has left.
void a_shared_result_is_stopped_when_its_last_waiter_leaves()
{
    dcc::token first = dcc::token::create(), second = dcc::token::create();
    dcc::token shared = dcc::token::create_all({first});
    EXPECT(shared.join(second) && !shared.is_cancelled());
    EXPECT(first.cancel("closed its window"));
    EXPECT(!shared.is_cancelled());
    second.reset(); // this was the last reference
    EXPECT(shared.is_cancelled() && shared.reason() == "nobody waits for it any more");
    EXPECT(!shared.join(dcc::token::create()));
    EXPECT(first.try_join(shared) == DCC_ERROR_INVALID_ARGUMENT);

    const std::vector<dcc::token> several = {first, first};
    const dcc::token born = dcc::token::create_all(several);
    EXPECT(born.is_cancelled() && born.reason() == "closed its window");
    EXPECT(!dcc::token::create_all().is_cancelled());
}

} // namespace

int main()
{
    a_shared_result_is_stopped_when_its_last_waiter_leaves();
    a_scene_is_freed_after_the_end_of_its_render();
    no_job_and_an_ended_one_are_not_waited_for();
    a_job_does_not_wait_for_itself();
    a_posted_job_has_ended_when_its_completion_has_run();
    an_event_is_set_at_the_end();
}
