// Coroutines as posted jobs. Compiled as C++20 only, and also without exceptions and RTTI.

#include "dcc_cancel.hpp"
#include "expect.hpp"
#include "task_log.hpp"

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

dcc::task<> count_slowly(log &told, int steps)
{
    const guard kept(told);
    for (int step = 0; step < steps; ++step) {
        ++told.steps;
        co_await dcc::slice();
    }
}

void a_task_suspends_only_when_its_slice_is_over()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    log told;
    const dcc::job job = queue.post("count", count_slowly(told, 100), told_to(told));
    EXPECT(told.steps == 0);
    EXPECT(queue.pump_all().completed == 1);
    EXPECT(told.steps == 100 && told.destroyed == 1 && told.state == dcc::job_state::completed);

    log slow;
    queue.post("count", count_slowly(slow, 20), told_to(slow));
    int ticks = 0;
    for (; slow.completions == 0; ++ticks)
        queue.pump(1ns);
    EXPECT(ticks > 2 && slow.steps == 20 && slow.destroyed == 1);
}

dcc::task<std::unique_ptr<int>> half_of(int number)
{
    co_await dcc::slice();
    co_return std::make_unique<int>(number / 2);
}

dcc::task<int> sum_to(int number)
{
    int sum = 0;
    for (int each = 1; each <= number; ++each)
        sum += 2 * *co_await half_of(2 * each) / 2;
    co_return sum;
}

void tasks_nest_and_give_values()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    int sum = 0;
    queue.post("sum", [&sum]() -> dcc::task<> { sum = co_await sum_to(10); });
    while (queue.pump(1ns).completed == 0) {
    }
    EXPECT(sum == 55);
}

void a_posted_lambda_is_kept_as_long_as_its_task()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    const auto seven = std::make_shared<int>(7);
    int seen = 0;
    queue.post("", [seven, &seen]() -> dcc::task<> {
        co_await dcc::woken();
        seen = *seven;
    }).wake();
    queue.pump_all();
    EXPECT(seven.use_count() == 2);
    queue.pump_all();
    const dcc::job job = queue.post("", [seven, &seen]() -> dcc::task<> {
        co_await dcc::woken();
        seen = *seven;
    });
    queue.pump_all();
    EXPECT(seven.use_count() == 3 && job.wake());
    queue.pump_all();
    EXPECT(seen == 7 && seven.use_count() == 2);
    EXPECT(queue.close() == DCC_OK && seven.use_count() == 1);
}

void what_a_task_gives_is_how_its_job_ends()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    const dcc::job yes = queue.post("", []() -> dcc::task<bool> { co_return true; });
    const dcc::job no = queue.post("", []() -> dcc::task<bool> { co_return false; });
    queue.pump_all();
    EXPECT(yes.state() == dcc::job_state::completed);
    EXPECT(no.state() == dcc::job_state::failed && no.failure() == "it answered false");

    log told;
    dcc::task<> counting = count_slowly(told, 1);
    dcc::task<> moved = std::move(counting);
    const dcc::job empty = queue.post("", std::move(counting)); // NOLINT: on purpose
    queue.pump_all();
    EXPECT(empty.state() == dcc::job_state::failed && told.steps == 0);

    dcc::post_options anywhere;
    anywhere.any_thread = true;
    dcc::job job;
    EXPECT(queue.try_post(job, "", std::move(moved), anywhere) == DCC_ERROR_INVALID_ARGUMENT);
    EXPECT(!job);
}

void one_that_sleeps_costs_no_tick_and_is_woken_by_what_it_awaits()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    log told;
    const dcc::token token = dcc::token::create();
    const dcc::job job = queue.post(
        "wait",
        [&told, token]() -> dcc::task<> {
            const guard kept(told);
            co_await token;
            ++told.steps;
        },
        told_to(told));
    EXPECT(queue.pump_all().executed == 1);
    EXPECT(queue.pump_all().executed == 0);
    EXPECT(job.wake()); // for nothing
    EXPECT(queue.pump_all().executed == 1 && told.steps == 0);
    EXPECT(queue.pump_all().executed == 0);
    std::thread canceller([&token] { token.cancel(); });
    canceller.join();
    EXPECT(told.steps == 0);
    EXPECT(queue.pump_all().completed == 1 && told.steps == 1 && told.state == dcc::job_state::completed);

    log late;
    queue.post(
        "timer",
        [&late]() -> dcc::task<> {
            co_await 0s;
            const auto before = std::chrono::steady_clock::now();
            co_await 2ms;
            EXPECT(std::chrono::steady_clock::now() - before >= 1900us);
            ++late.steps;
        },
        told_to(late));
    pump_until_over(queue, late);
    EXPECT(late.steps == 1 && late.state == dcc::job_state::completed);
}

void wakes_and_cancels_race_with_falling_asleep()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    for (int round = 0; round < 300; ++round) {
        log told;
        const dcc::token token = dcc::token::create();
        std::atomic<bool> is_there{false};
        const dcc::job job = queue.post(
            "race",
            [&told, &is_there, token]() -> dcc::task<> {
                const guard kept(told);
                co_await token;
                while (!is_there)
                    co_await dcc::woken();
                co_await token;
            },
            told_to(told));
        std::thread other([&, round] {
            token.cancel();
            is_there = true;
            job.wake();
            if (round % 2 == 0)
                job.cancel();
        });
        pump_until_over(queue, told);
        other.join();
        EXPECT(told.destroyed <= 1 && told.completions == 1);
        EXPECT(round % 2 == 0 || told.state == dcc::job_state::completed);
        EXPECT(told.state == dcc::job_state::completed || told.state == dcc::job_state::cancelled);
    }
}

dcc::task<std::uint64_t> depth_of(std::uint64_t depth)
{
    if (depth == 0)
        co_return 0;
    co_return 1 + co_await depth_of(depth - 1);
}

dcc::task<> sleep_at_depth(log &told, int depth)
{
    const guard kept(told);
    if (depth > 0)
        co_await sleep_at_depth(told, depth - 1);
    else
        co_await dcc::woken();
}

void calls_may_be_deep_and_many()
{
    constexpr std::uint64_t many = 2000000;
    dcc::dispatcher queue = dcc::dispatcher::create();
    std::uint64_t deep = 0;
    std::uint64_t wide = 0;
    queue.post("", [&]() -> dcc::task<> {
        deep = co_await depth_of(many);
        for (std::uint64_t call = 0; call < many; ++call)
            wide += 1 + co_await depth_of(0);
    });
    queue.pump_all();
    EXPECT(deep == many && wide == many);

    constexpr int depth = 200000;
    for (const bool is_closed : {false, true}) {
        log told;
        dcc::dispatcher ends = dcc::dispatcher::create();
        const dcc::job job = ends.post("", sleep_at_depth(told, depth), told_to(told));
        ends.pump_all();
        if (is_closed)
            EXPECT(ends.close() == DCC_OK);
        else
            EXPECT(job.cancel() && ends.pump_all().completed == 1);
        EXPECT(told.destroyed == depth + 1 && told.completions == 1);
        EXPECT(is_closed || !DCC_CANCEL_EXCEPTIONS || told.rolled_back == depth + 1);
    }
}

#if DCC_CANCEL_EXCEPTIONS

dcc::task<int> throws_at_depth(int depth)
{
    co_await dcc::slice();
    if (depth == 0)
        throw std::runtime_error("no vertices");
    co_return co_await throws_at_depth(depth - 1);
}

void what_a_task_throws_goes_to_who_awaits_it_or_fails_the_job()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    bool is_caught = false;
    const dcc::job caught = queue.post("", [&is_caught]() -> dcc::task<> {
        try {
            co_await throws_at_depth(5);
        } catch (const std::runtime_error &) {
            is_caught = true;
        }
        co_await dcc::slice();
    });
    const dcc::job failed = queue.post("", []() -> dcc::task<> { co_await throws_at_depth(5); });
    const dcc::job early = queue.post("", []() -> dcc::task<> { throw std::runtime_error("early"); });
    queue.pump_all();
    EXPECT(is_caught && caught.state() == dcc::job_state::completed);
    EXPECT(failed.state() == dcc::job_state::failed && failed.failure() == "no vertices");
    EXPECT(early.state() == dcc::job_state::failed && early.failure() == "early");
}

void a_cancel_is_told_once_and_a_part_may_complete()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    int parts = 0;
    const dcc::job partial = queue.post("", [&parts]() -> dcc::task<> {
        try {
            for (;; ++parts)
                co_await dcc::woken();
        } catch (const dcc::cancelled_error &told) {
            EXPECT(told.status() == DCC_CANCELLED_BY_JOB);
            EXPECT(told.token() == dcc::job::current().token());
        }
    });
    queue.pump_all();
    partial.wake();
    queue.pump_all();
    EXPECT(partial.cancel());
    EXPECT(queue.pump_all().completed == 1);
    EXPECT(parts == 1 && partial.state() == dcc::job_state::completed);

    // The same in the middle of a slice.
    log told;
    queue.post(
        "",
        [&told]() -> dcc::task<> {
            const guard kept(told);
            dcc::job::current().cancel();
            co_await dcc::slice();
            ++told.steps;
        },
        told_to(told));
    EXPECT(queue.pump_all().completed == 1);
    EXPECT(told.steps == 0 && told.rolled_back == 1 && told.state == dcc::job_state::cancelled);

    // A coroutine that swallows the exception continues until its next await, and ends there.
    for (const bool is_slice : {false, true}) {
        log swallowed;
        const dcc::job job = queue.post(
            "",
            [&swallowed, is_slice]() -> dcc::task<> {
                const guard kept(swallowed);
                for (;;) {
                    try {
                        ++swallowed.steps;
                        if (is_slice)
                            co_await dcc::slice();
                        else
                            co_await 1h;
                    } catch (const dcc::cancelled_error &) {
                    }
                    if (is_slice && swallowed.steps == 1)
                        dcc::job::current().cancel();
                }
            },
            told_to(swallowed));
        queue.pump_all();
        job.cancel();
        queue.pump_all();
        EXPECT(swallowed.completions == 1 && swallowed.state == dcc::job_state::cancelled);
        EXPECT(swallowed.destroyed == 1 && swallowed.steps == (is_slice ? 3 : 2));
    }
}

void a_parents_cancel_is_told_and_a_cancel_before_its_begin_begins_nothing()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    const dcc::token parent = dcc::token::create();
    log told;
    dcc::post_options options = told_to(told);
    options.parent = parent;
    queue.post("", count_slowly(told, 1000000000), options);
    queue.pump(1ns);
    parent.cancel();
    EXPECT(queue.pump_all().completed == 1);
    EXPECT(told.rolled_back == 1 && told.state == dcc::job_state::cancelled);

    log never;
    const dcc::job job = queue.post("", count_slowly(never, 5), told_to(never));
    job.cancel();
    queue.pump_all();
    EXPECT(never.steps == 0 && never.destroyed == 0 && never.state == dcc::job_state::cancelled);
}

#endif

} // namespace

int main()
{
    a_task_suspends_only_when_its_slice_is_over();
    tasks_nest_and_give_values();
    a_posted_lambda_is_kept_as_long_as_its_task();
    what_a_task_gives_is_how_its_job_ends();
    one_that_sleeps_costs_no_tick_and_is_woken_by_what_it_awaits();
    wakes_and_cancels_race_with_falling_asleep();
    calls_may_be_deep_and_many();
#if DCC_CANCEL_EXCEPTIONS
    what_a_task_throws_goes_to_who_awaits_it_or_fails_the_job();
    a_cancel_is_told_once_and_a_part_may_complete();
    a_parents_cancel_is_told_and_a_cancel_before_its_begin_begins_nothing();
#endif
}
