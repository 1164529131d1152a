// Steps of a progress bar in coroutines, which hold them over awaits. Compiled as C++20 only, and also
// without exceptions and RTTI.

#include "dcc_cancel.hpp"
#include "expect.hpp"
#include "task_log.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

namespace {

std::uint64_t live_shares()
{
    dcc_stats stats = {};
    stats.struct_size = sizeof stats;
    EXPECT(dcc_stats_read(&stats) == DCC_OK);
    // A step that a task keeps over its slices does not count as forgotten.
    EXPECT(stats.context_leaks == 0);
    return stats.live_shares;
}

// A share that a worker carried is freed after the worker's function has returned, or at the completion of a
// function that never ran.
void none_is_left(std::uint64_t before, const dcc::dispatcher &queue)
{
    while (live_shares() != before) {
        queue.pump_all();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

// Counts this many units, with a slice after each. It knows nothing of its caller.
dcc::task<> library(std::uint64_t units)
{
    dcc::progress p(units, "library");
    for (std::uint64_t unit = 0; unit < units; ++unit) {
        co_await dcc::woken();
        p.advance();
        p.flush();
    }
}

// Calls the library twice, each time in a step, and waits between the two; in the second step it is called
// two levels deep.
dcc::task<> calls_two(log &told)
{
    const guard kept(told);
    dcc::progress p(100, "Export");
    {
        const auto step = p.step(25, "Prepare");
        co_await library(4);
        EXPECT(dcc_progress_current() == step.get());
    }
    EXPECT(dcc_progress_current() == nullptr);
    co_await dcc::woken();
    EXPECT(dcc_progress_current() == nullptr);
    {
        const auto step = p.step(50, "Write");
        co_await dcc::woken();
        EXPECT(dcc_progress_current() == step.get());
        dcc::progress inner(2, "both");
        for (int half = 0; half < 2; ++half) {
            const auto deeper = inner.step(1);
            co_await dcc::woken();
            co_await library(2);
            EXPECT(dcc_progress_current() == deeper.get());
        }
        EXPECT(dcc_progress_current() == step.get());
        // This step counts nothing, because the bar is read while it may run.
        const auto work = [] { EXPECT(dcc_progress_current() != nullptr); };
        co_await dcc::on_worker(work);
    }
    EXPECT(dcc_progress_current() == nullptr);
    co_await dcc::woken();
    ++told.committed;
}

// Gives each of these jobs one more slice, one after the other.
void step(const dcc::dispatcher &queue, const dcc::job &one, const dcc::job &other)
{
    one.wake();
    other.wake();
    queue.pump_all();
    EXPECT(dcc_progress_current() == nullptr);
}

void a_step_is_current_in_each_slice_of_its_task()
{
    const std::uint64_t before = live_shares();
    {
        dcc::dispatcher queue = dcc::dispatcher::create();
        log first;
        log second;
        const dcc::job one = queue.post("one", calls_two(first), told_to(first));
        const dcc::job other = queue.post("other", calls_two(second), told_to(second));
        double last = 0;
        int rises = 0;
        bool was_in_both = false;
        while (first.completions == 0 || second.completions == 0) {
            step(queue, one, other);
            const double now = one.progress().fraction;
            EXPECT(now >= last);
            rises += now > last;
            last = now;
            was_in_both = was_in_both || one.progress_message() == "Export > Write > both > library";
        }
        // The bar rises at each unit of the libraries, at the ends of the steps that leave a little, and at
        // the end.
        EXPECT(rises >= 9 && was_in_both);
        EXPECT(first.committed == 1 && second.committed == 1);
        EXPECT(first.state == dcc::job_state::completed && second.state == dcc::job_state::completed);
        none_is_left(before, queue);
    }
}

// Ends the task after this many slices, in either way: the bar stays where it was, and no share is left.
bool end_after(int slices, bool is_closed)
{
    const std::uint64_t before = live_shares();
    dcc::dispatcher queue = dcc::dispatcher::create();
    log told;
    const dcc::job job = queue.post("ended", calls_two(told), told_to(told));
    for (int slice = 0; slice < slices && told.completions == 0; ++slice)
        step(queue, job, {});
    const bool was_over = told.completions != 0;
    const double reached = job.progress().fraction;
    if (is_closed)
        queue.close();
    else
        job.cancel();
    pump_until_over(queue, told);
    EXPECT(was_over || job.progress().fraction == reached);
    EXPECT(told.made == told.destroyed && dcc_progress_current() == nullptr);
    none_is_left(before, queue);
    return was_over;
}

void a_task_that_is_stopped_leaves_its_bar_and_no_share()
{
    for (const bool is_closed : {false, true}) {
        int slices = 0;
        while (!end_after(slices, is_closed))
            EXPECT(++slices < 100000);
        EXPECT(slices > 10);
    }
}

} // namespace

int main()
{
    a_step_is_current_in_each_slice_of_its_task();
    a_task_that_is_stopped_leaves_its_bar_and_no_share();
}
