// Coroutines that need a thread of the library while the host shuts the library down, or after that. Compiled
// as C++20 only, and also without exceptions and RTTI.

#include "dcc_cancel.hpp"
#include "expect.hpp"
#include "task_log.hpp"

using namespace std::chrono_literals;

namespace {

dcc::task<> sleep(log &told, std::chrono::nanoseconds time)
{
    const guard kept(told);
    ++told.steps;
    co_await time;
    ++told.committed;
}

dcc::task<> sleep_until(log &told, dcc::token token)
{
    const guard kept(told);
    ++told.steps;
    co_await token;
    ++told.committed;
}

dcc::task<> work_elsewhere(log &told)
{
    const guard kept(told);
    ++told.steps;
    const auto work = [] { return 1; };
#if DCC_CANCEL_EXCEPTIONS
    try {
        told.committed += co_await dcc::on_worker(work);
    } catch (const dcc::error &refused) {
        EXPECT(refused.status() == DCC_ERROR_SHUTDOWN);
        throw;
    }
#else
    told.committed += co_await dcc::on_worker(work);
#endif
}

void expect_failed(const dcc::job &job, const log &told)
{
    EXPECT(told.completions == 1 && told.state == dcc::job_state::failed && !job.failure().empty());
    EXPECT(told.steps == 1 && told.committed == 0 && told.made == told.destroyed);
}

} // namespace

int main()
{
    int wakes = 0;
    dcc::dispatcher_options options;
    options.wake = [&wakes] { ++wakes; };
    dcc::dispatcher queue = dcc::dispatcher::create(std::move(options));

    // Two tasks sleep for a time, one sleeps for ever, and one is woken by another thread.
    log first, second, endless, other;
    const dcc::job sleeps = queue.post("an hour", sleep(first, 1h), told_to(first));
    const dcc::job sleeps_too = queue.post("a day", sleep(second, 24h), told_to(second));
    const dcc::job waits = queue.post("endless", sleep(endless, dcc::no_limit), told_to(endless));
    dcc::token token = dcc::token::create();
    const dcc::deadline ends(token, 1h);
    const dcc::job waits_for_token = queue.post("token", sleep_until(other, token), told_to(other));
    queue.pump_all();
    EXPECT(first.steps == 1 && second.steps == 1 && endless.steps == 1 && other.steps == 1);
    const int before = wakes;

    EXPECT(dcc_shutdown() == DCC_OK);
    EXPECT(wakes > before); // the host pumps
    queue.pump_all();
    expect_failed(sleeps, first);
    expect_failed(sleeps_too, second);
    EXPECT(endless.completions == 0 && other.completions == 0);
    token.cancel();
    EXPECT(waits.cancel());
    queue.pump_all();
    EXPECT(waits_for_token.state() == dcc::job_state::completed && other.committed == 1);
    EXPECT(waits.state() == dcc::job_state::cancelled);

    log late, on_worker;
    const dcc::job sleeps_later = queue.post("later", sleep(late, 1ms), told_to(late));
    const dcc::job works = queue.post("worker", work_elsewhere(on_worker), told_to(on_worker));
    pump_until_over(queue, late);
    pump_until_over(queue, on_worker);
    expect_failed(sleeps_later, late);
    expect_failed(works, on_worker);
    EXPECT(queue.close() == DCC_OK);
}
