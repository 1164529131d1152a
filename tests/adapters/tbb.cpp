// oneTBB: a cancel of a job stops a task group and a parallel_for that work for the job.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <thread>
#include <vector>

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include "cancelled_work.hpp"
#include "dcc_cancel/adapters/tbb.hpp"

namespace {

constexpr int task_count = 400;
constexpr int steps = 2000000;

// Some milliseconds of work with a known result.
double series()
{
    double sum = 0;
    for (int k = 0; k < steps; ++k)
        sum += 1.0 / ((2.0 * k + 1.0) * (2.0 * k + 3.0));
    return sum;
}

bool is_right(double sum)
{
    return std::abs(sum - 0.5) < 1e-4;
}

// Tasks that each write their own result.
dcc::job_state run_tasks(bool polled, std::vector<double> &results, canceller *user)
{
    const auto begun = [user] {
        if (user != nullptr)
            user->work_has_begun();
    };
    if (!polled) {
        tbb::task_group group;
        for (double &result : results)
            group.run([&] {
                begun();
                result = series();
            });
        return group.wait() == tbb::canceled ? dcc::job_state::cancelled
                                             : dcc::job_state::completed;
    }
    dcc::tbb_task_group group;
    for (double &result : results)
        group.run([&] {
            begun();
            result = series();
        });
    return group.wait();
}

int done(const std::vector<double> &results)
{
    int count = 0;
    for (double result : results)
        count += is_right(result) ? 1 : 0;
    return count;
}

void a_task_group_stops(bool polled)
{
    std::vector<double> results(task_count);
    double to_return = 0;
    {
        const dcc::job job = dcc::job::create({"Bake tiles"});
        canceller user(job);
        const dcc::job_state state = dcc::run(job, [&] {
            const dcc::job_state answer = run_tasks(polled, results, &user);
            to_return = user.milliseconds_since_cancel(test_clock::now());
            const bool was_stopped = answer == dcc::job_state::cancelled;
            EXPECT(was_stopped);
            return false;
        });
        EXPECT(state == dcc::job_state::cancelled);
        EXPECT(done(results) < task_count);
        // Each begun task was finished: there are no half results.
        for (double result : results)
            EXPECT(result == 0 || is_right(result));
    }
    std::fill(results.begin(), results.end(), 0.0);
    const auto begin = test_clock::now();
    const dcc::job job = dcc::job::create({"Bake tiles again"});
    EXPECT(dcc::run(job, [&] {
        return run_tasks(polled, results, nullptr) == dcc::job_state::completed;
    }) == dcc::job_state::completed);
    EXPECT(done(results) == task_count);
    print_figure("tbb", to_return, milliseconds(test_clock::now() - begin));
}

// The running body sees the cancel itself, on each worker, because the context was carried there.
void tasks_poll()
{
    const dcc::job job = dcc::job::create({"Solve"});
    canceller user(job);
    std::atomic<int> saw{0};
    dcc::run(job, [&] {
        dcc::tbb_task_group group;
        const std::uint64_t id = job.id();
        // Runs until it is cancelled, on any thread.
        group.run([&, id] {
            EXPECT(dcc::job::current().id() == id);
            user.work_has_begun();
            while (!dcc::is_cancelled())
                std::this_thread::yield();
            ++saw;
        });
        EXPECT(group.wait() == dcc::job_state::cancelled);
        // The group begins no task while its token is cancelled.
        group.run([&] { saw += 100; });
        EXPECT(group.wait() == dcc::job_state::cancelled);
        return false;
    });
    EXPECT(saw == 1);
    EXPECT(!dcc::job::current());
}

// This runs on a worker that has nothing current of its own.
void a_worker_has_the_context()
{
    const dcc::token token = dcc::token::create();
    dcc::tbb_context context(token);
    auto which = context.carried([] { return dcc::token::current().get(); });
    dcc_cancel_token *seen = nullptr;
    const dcc_cancel_token *after = token.get();
    std::thread worker([&] {
        seen = which();
        after = dcc::token::current().get();
    });
    worker.join();
    EXPECT(seen == token.get());
    EXPECT(after == nullptr);
}

// oneTBB's own task groups and arenas accept callables that carry the context, and call them as constants.
void what_carries_the_context_is_a_task()
{
    const dcc::job job = dcc::job::create({"Solve"});
    const dcc::job_scope current(job);
    std::atomic<int> saw{0};
    const auto until_cancelled = dcc::with_context([&] {
        dcc::poller cancelled;
        while (!cancelled())
            std::this_thread::yield();
        ++saw;
    });
    tbb::task_group group;
    group.run(until_cancelled);
    tbb::task_arena arena(2);
    arena.enqueue(until_cancelled);
    job.cancel();
    group.wait();
    while (saw < 2)
        std::this_thread::yield();
}

void parallel_for_stops()
{
    const dcc::token token = dcc::token::create();
    std::atomic<int> chunks{0};
    const auto loop = [&](dcc::tbb_context &context, bool cancels) {
        const auto body = [&](const tbb::blocked_range<int> &range) {
            EXPECT(dcc::token::current().get() == token.get() || !cancels);
            chunks += static_cast<int>(range.size());
            if (cancels)
                token.cancel("enough");
        };
        tbb::parallel_for(tbb::blocked_range<int>(0, 100000), context.carried(body),
                          tbb::simple_partitioner(), context.get());
    };
    {
        dcc::tbb_context context(token);
        loop(context, true);
        EXPECT(context.is_cancelled());
        EXPECT(chunks > 0 && chunks < 100000);
    }
    // A loop that is cancelled already does not begin.
    chunks = 0;
    dcc::tbb_context late(token);
    loop(late, true);
    EXPECT(late.is_cancelled() && chunks == 0);
    dcc::tbb_context other{dcc::token::create()};
    loop(other, false);
    EXPECT(!other.is_cancelled() && chunks == 100000);
}

// A given token replaces the current one; the current job still counts.
void the_current_job_stops_what_has_a_token_of_its_own()
{
    const dcc::job job = dcc::job::create({"Solve"});
    dcc::job_scope current(job);
    const dcc::token token = dcc::token::create();
    dcc::tbb_context context(token);
    dcc::tbb_task_group group(token);
    job.cancel();
    EXPECT(context.is_cancelled() && !token.is_cancelled());
    bool ran = false;
    group.run([&] { ran = true; });
    EXPECT(group.wait() == dcc::job_state::cancelled && !ran);
}

// A cancel on another thread while the group ends: the destructor waits for the callback.
void groups_end_while_they_are_cancelled()
{
    for (int round = 0; round < 500; ++round) {
        const dcc::token token = dcc::token::create();
        std::atomic<int> ready{0};
        std::thread user([&] {
            ++ready;
            while (ready < 2) {
            }
            token.cancel();
        });
        {
            dcc::tbb_task_group group(token);
            group.run([&] {
                ++ready;
                while (ready < 2) {
                }
            });
            group.wait();
        }
        user.join();
        EXPECT(token.is_cancelled());
    }
}

void what_a_task_throws_is_thrown_by_wait()
{
    dcc::tbb_task_group group;
    group.run([] { throw 7; });
    int thrown = 0;
    try {
        group.wait();
    } catch (int number) {
        thrown = number;
    }
    EXPECT(thrown == 7);
    bool ran = false;
    group.run([&] { ran = true; });
    EXPECT(group.wait() == dcc::job_state::completed && ran);
}

// The group's remaining tasks are not begun, and the running ones are waited for.
void a_group_is_left_without_a_wait()
{
    std::atomic<int> begun{0};
    std::atomic<int> ended{0};
    {
        dcc::tbb_task_group group;
        for (int number = 0; number < 1000; ++number)
            group.run([&] {
                ++begun;
                EXPECT(is_right(series()));
                ++ended;
            });
    }
    EXPECT(begun == ended && begun < 1000);
}

void a_group_cancels_itself()
{
    std::atomic<int> begun{0};
    dcc::tbb_task_group group;
    for (int number = 0; number < 1000; ++number)
        group.run([&] {
            ++begun;
            EXPECT(is_right(series()));
            group.cancel();
        });
    EXPECT(group.wait() == dcc::job_state::cancelled);
    EXPECT(begun > 0 && begun < 1000);
    // This cancels nothing else, and not the group's next tasks.
    EXPECT(!dcc::is_cancelled());
    begun = 0;
    group.run([&] { ++begun; });
    EXPECT(group.wait() == dcc::job_state::completed && begun == 1);
}

} // namespace

int main(int argc, char **argv)
{
    a_task_group_stops(is_polled(argc, argv));
    tasks_poll();
    a_worker_has_the_context();
    what_carries_the_context_is_a_task();
    parallel_for_stops();
    the_current_job_stops_what_has_a_token_of_its_own();
    groups_end_while_they_are_cancelled();
    what_a_task_throws_is_thrown_by_wait();
    a_group_is_left_without_a_wait();
    a_group_cancels_itself();
    return 0;
}
