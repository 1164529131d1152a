// Coroutines that wait for other jobs and leave work to other threads. Compiled as C++20 only, and also
// without exceptions and RTTI.

#include "dcc_cancel.hpp"
#include "expect.hpp"
#include "gate.hpp"
#include "task_log.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

void a_task_awaits_the_end_of_a_job_and_is_told_how_it_ended()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    const dcc::job awaited = dcc::job::create();
    log told;
    dcc::job_state ended = dcc::job_state::none;
    queue.post(
        "wait",
        [&ended, &told, awaited]() -> dcc::task<> {
            const guard kept(told);
            ended = co_await awaited;
            EXPECT(awaited.failure() == "no mesh");
            EXPECT(co_await awaited == ended); // at once
        },
        told_to(told));
    EXPECT(queue.pump_all().executed == 1);
    EXPECT(queue.pump_all().executed == 0); // costs no tick
    std::thread other([&awaited] { EXPECT(awaited.begin() && awaited.fail("no mesh")); });
    other.join();
    EXPECT(told.completions == 0);
    EXPECT(queue.pump_all().completed == 1);
    EXPECT(ended == dcc::job_state::failed && told.state == dcc::job_state::completed);

    // The completion of an awaited job of the same dispatcher has run when the await ends. An empty job
    // counts as ended.
    log first;
    log second;
    const dcc::job slow = queue.post(
        "slow", []() -> dcc::task<> { co_await dcc::woken(); }, told_to(first));
    queue.post(
        "wait",
        [&first, slow]() -> dcc::task<> {
            EXPECT(co_await dcc::job() == dcc::job_state::none);
            EXPECT(co_await slow == dcc::job_state::cancelled && first.completions == 1);
        },
        told_to(second));
    queue.pump_all();
    EXPECT(slow.cancel() && second.completions == 0);
    pump_until_over(queue, second);
    EXPECT(second.state == dcc::job_state::completed);
}

void a_cancel_of_a_task_does_not_cancel_what_it_awaits()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    const dcc::job awaited = dcc::job::create();
    log told;
    const dcc::job job = queue.post(
        "wait", [awaited]() -> dcc::task<> { static_cast<void>(co_await awaited); }, told_to(told));
    queue.pump_all();
    EXPECT(job.cancel() && queue.pump_all().completed == 1);
    EXPECT(told.state == dcc::job_state::cancelled && !awaited.is_cancelled());

    // A job that awaits its own end would wait for itself.
    const dcc::job own = queue.post(
        "own", []() -> dcc::task<> { static_cast<void>(co_await dcc::job::current()); });
    queue.pump_all();
    EXPECT(own.state() == dcc::job_state::failed);
}

void a_worker_does_what_a_task_leaves_to_it()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    const std::thread::id here = std::this_thread::get_id();
    log told;
    gate may_return;
    int sum = 0;
    const auto shared = std::make_shared<int>(5);
    const dcc::job job = queue.post(
        "read",
        [&, shared]() -> dcc::task<> {
            const guard kept(told);
            std::vector<int> in_frame{1, 2, 3};
            const dcc::job mine = dcc::job::current();
            auto work = [&, shared] {
                EXPECT(std::this_thread::get_id() != here);
                EXPECT(dcc::job::current() == mine);
                may_return.wait();
                in_frame.push_back(*shared);
                return std::make_unique<int>(static_cast<int>(in_frame.size()));
            };
            sum = *co_await dcc::on_worker(std::move(work));
            EXPECT(std::this_thread::get_id() == here && in_frame.back() == 5);
            bool was_here = false;
            const auto nothing = [&was_here] { was_here = true; };
            co_await dcc::on_worker(nothing);
            EXPECT(was_here);
            sum += 1;
        },
        told_to(told));
    EXPECT(queue.pump_all().executed == 1);
    EXPECT(job.wake()); // for nothing
    EXPECT(queue.pump_all().executed == 1);
    EXPECT(queue.pump_all().executed == 0); // costs no tick
    may_return.open();
    pump_until_over(queue, told);
    EXPECT(sum == 5 && told.state == dcc::job_state::completed);
    queue.close();
    EXPECT(shared.use_count() == 1);
}

// If a worker has begun its function when the task is cancelled, the task gets the result; the next await
// reports the cancel.
void a_cancel_waits_for_what_a_worker_has_begun()
{
    for (const bool does_poll : {false, true}) {
        dcc::dispatcher queue = dcc::dispatcher::create();
        log told;
        gate has_begun;
        gate may_return;
        const dcc::job job = queue.post(
            "read",
            [&]() -> dcc::task<> {
                const guard kept(told);
                const auto work = [&] {
                    has_begun.open();
                    while (does_poll && dcc_check_cancelled() == DCC_OK)
                        std::this_thread::yield();
                    if (!does_poll)
                        may_return.wait();
                    return 3;
                };
                told.steps = co_await dcc::on_worker(work);
                co_await dcc::slice();
                ++told.committed;
            },
            told_to(told));
        queue.pump_all();
        has_begun.wait();
        EXPECT(job.cancel());
        if (!does_poll) {
            EXPECT(queue.pump_all().executed == 0 && told.completions == 0 && told.destroyed == 0);
            may_return.open();
        }
        pump_until_over(queue, told);
        EXPECT(told.state == dcc::job_state::cancelled && told.destroyed == 1 && told.committed == 0);
        EXPECT(told.steps == (DCC_CANCEL_EXCEPTIONS ? 3 : 0));
        EXPECT(told.rolled_back == DCC_CANCEL_EXCEPTIONS);
    }
}

void what_no_worker_has_begun_is_not_called_after_a_cancel()
{
    dcc::dispatcher_options options;
    std::vector<std::function<void()>> waiting;
    options.execute = [&waiting](std::function<void()> run) {
        waiting.push_back(std::move(run));
        return true;
    };
    dcc::dispatcher queue = dcc::dispatcher::create(std::move(options));
    for (const bool is_closed : {false, true}) {
        log told;
        bool was_called = false;
        const dcc::job job = queue.post(
            "read",
            [&]() -> dcc::task<> {
                const guard kept(told);
                const auto work = [&was_called] { was_called = true; };
                co_await dcc::on_worker(work);
                ++told.committed;
            },
            told_to(told));
        queue.pump_all();
        EXPECT(waiting.size() == 1 && told.made == 1);
        if (is_closed)
            queue.close();
        else
            EXPECT(job.cancel());
        pump_until_over(queue, told);
        EXPECT(told.destroyed == 1 && told.committed == 0);
        EXPECT(told.state ==
               (is_closed ? dcc::job_state::interrupted : dcc::job_state::cancelled));
        waiting.front()();
        waiting.clear();
        EXPECT(!was_called);
    }
}

void what_refuses_a_post_refuses_a_worker()
{
    dcc::dispatcher_options options;
    options.execute = [](std::function<void()>) { return false; };
    dcc::dispatcher queue = dcc::dispatcher::create(std::move(options));
    log told;
    const dcc::job job = queue.post(
        "read",
        [&told]() -> dcc::task<> {
            const guard kept(told);
            const auto work = [] { return 1; };
            static_cast<void>(co_await dcc::on_worker(work));
            ++told.committed;
        },
        told_to(told));
    pump_until_over(queue, told);
    EXPECT(told.state == dcc::job_state::failed && told.committed == 0 && told.destroyed == 1);
    EXPECT(!job.failure().empty());
}

#if DCC_CANCEL_EXCEPTIONS

void what_a_worker_throws_is_thrown_where_it_is_awaited()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    log told;
    bool is_caught = false;
    queue.post(
        "read",
        [&]() -> dcc::task<> {
            const auto work = []() -> int { throw std::runtime_error("no file"); };
            try {
                static_cast<void>(co_await dcc::on_worker(work));
            } catch (const std::runtime_error &thrown) {
                is_caught = std::string(thrown.what()) == "no file";
            }
            static_cast<void>(co_await dcc::on_worker(work));
        },
        told_to(told));
    pump_until_over(queue, told);
    EXPECT(is_caught && told.state == dcc::job_state::failed);

    // A cancel that the function has seen is reported once, like any other.
    log cancelled;
    gate has_begun;
    int told_times = 0;
    const dcc::job job = queue.post(
        "read",
        [&]() -> dcc::task<> {
            const auto work = [&] {
                has_begun.open();
                for (;;)
                    dcc::throw_if_cancelled();
            };
            for (;;) {
                try {
                    co_await dcc::on_worker(work);
                } catch (const dcc::cancelled_error &) {
                    ++told_times;
                }
            }
        },
        told_to(cancelled));
    queue.pump_all();
    has_begun.wait();
    job.cancel();
    pump_until_over(queue, cancelled);
    EXPECT(told_times == 1 && cancelled.state == dcc::job_state::cancelled);
}

#endif

int alive = 0;

struct counted {
    counted() { ++alive; }
    counted(const counted &) { ++alive; }
    counted(counted &&) noexcept { ++alive; }
    counted &operator=(counted &&) = delete;
    ~counted() { --alive; }
};

// The header names the compilers that do this. If one of them is corrected, this test shows it.
void a_lambda_inside_of_the_await_is_destroyed_twice_by_gcc_12()
{
#if defined(__clang__)
    constexpr int left = 0;
#elif defined(__GNUC__) && __GNUC__ == 12
    constexpr int left = -1;
#endif
#if defined(__clang__) || (defined(__GNUC__) && __GNUC__ == 12)
    for (const bool is_named : {true, false}) {
        alive = 0;
        dcc::dispatcher queue = dcc::dispatcher::create();
        log told;
        queue.post(
            "read",
            [is_named]() -> dcc::task<> {
                counted one;
                if (is_named) {
                    const auto work = [one] { static_cast<void>(one); };
                    co_await dcc::on_worker(work);
                } else {
                    co_await dcc::on_worker([one] { static_cast<void>(one); });
                }
            },
            told_to(told));
        pump_until_over(queue, told);
        while (queue.stats().completed < 2) {
            queue.pump_all();
            std::this_thread::yield();
        }
        EXPECT(alive == (is_named ? 0 : left));
    }
#endif
}

void cancels_race_with_workers()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    for (int round = 0; round < 200; ++round) {
        log told;
        std::atomic<int> inside{0};
        const dcc::job job = queue.post(
            "race",
            [&]() -> dcc::task<> {
                const guard kept(told);
                const auto work = [&inside] {
                    ++inside;
                    std::this_thread::yield();
                    --inside;
                };
                for (int turn = 0; turn < 3; ++turn)
                    co_await dcc::on_worker(work);
            },
            told_to(told));
        std::thread other([&job, round] {
            for (int turn = 0; turn < round % 20; ++turn)
                std::this_thread::yield();
            job.cancel();
        });
        pump_until_over(queue, told);
        EXPECT(inside == 0 && told.made == told.destroyed && told.completions == 1);
        other.join();
    }
}

} // namespace

int main()
{
    a_task_awaits_the_end_of_a_job_and_is_told_how_it_ended();
    a_cancel_of_a_task_does_not_cancel_what_it_awaits();
    a_worker_does_what_a_task_leaves_to_it();
    a_cancel_waits_for_what_a_worker_has_begun();
    what_no_worker_has_begun_is_not_called_after_a_cancel();
    what_refuses_a_post_refuses_a_worker();
#if DCC_CANCEL_EXCEPTIONS
    what_a_worker_throws_is_thrown_where_it_is_awaited();
#endif
    a_lambda_inside_of_the_await_is_destroyed_twice_by_gcc_12();
    cancels_race_with_workers();
}
