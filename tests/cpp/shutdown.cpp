// The host's shutdown. It is refused on the library's own thread. Otherwise it ends the library's threads:
// calls that need them are refused, all others work, and a second shutdown is harmless.

#include <atomic>
#include <chrono>
#include <thread>

#include "dcc_cancel.hpp"
#include "expect.hpp"

namespace {

std::atomic<dcc_status> from_inside{1};
std::atomic<int> called{0};
std::atomic<bool> is_running{false};

void shut_down_from_inside(const dcc_cancel_token *, void *) { from_inside = dcc_shutdown(); }

void take_a_while(const dcc_cancel_token *, void *)
{
    is_running = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ++called;
}

void on_cancel(const dcc::token &token, dcc_cancel_fn function)
{
    EXPECT(dcc_cancel_token_register(token.get(), function, nullptr, nullptr, nullptr, nullptr) ==
           DCC_OK);
}

dcc_status cancel_async(const dcc::token &token)
{
    return dcc_cancel_token_cancel_async(token.get(), nullptr, 0);
}

// A job that sleeps until a token is cancelled. It completes if it is woken earlier.
dcc::job post_sleeper(const dcc::dispatcher &queue, const dcc::token &token)
{
    dcc_registration *registration = nullptr;
    const auto sleeps = [token, registration](const dcc::job &self) mutable {
        if (dcc_registration_unregister(registration) == DCC_OK && registration != nullptr)
            return dcc::step::done;
        EXPECT(dcc_job_wake_at_cancel(self.get(), token.get(), &registration) == DCC_OK);
        return dcc::step::when_woken;
    };
    return queue.post("sleeper", sleeps);
}

} // namespace

int main()
{
    const dcc::token inside = dcc::token::create();
    on_cancel(inside, shut_down_from_inside);
    EXPECT(cancel_async(inside) == DCC_OK);
    while (from_inside == 1) std::this_thread::yield();
    EXPECT(from_inside == DCC_ERROR_WOULD_DEADLOCK);

    // Due callbacks run first; deadlines that are not due are disarmed.
    const dcc::token busy = dcc::token::create();
    const dcc::token due = dcc::token::create();
    const dcc::token later = dcc::token::create();
    on_cancel(busy, take_a_while);
    on_cancel(due, take_a_while);
    EXPECT(dcc_cancel_token_set_deadline_after(later.get(), 3'600'000'000'000) == DCC_OK);
    // A job that sleeps until a deadline is woken when the deadline is disarmed.
    dcc::dispatcher queue = dcc::dispatcher::create();
    const dcc::job sleepers[] = {post_sleeper(queue, later), post_sleeper(queue, later)};
    queue.pump_all();
    for (const dcc::job &sleeper : sleepers) EXPECT(sleeper.state() == dcc::job_state::running);
    EXPECT(cancel_async(busy) == DCC_OK);
    while (!is_running) std::this_thread::yield();
    EXPECT(cancel_async(due) == DCC_OK);
    EXPECT(due.is_cancelled());
    EXPECT(dcc_shutdown() == DCC_OK);
    EXPECT(called == 2);
    std::uint64_t time = 1;
    EXPECT(dcc_cancel_token_deadline(later.get(), &time) == DCC_NOT_FOUND && time == 0);
    EXPECT(!later.is_cancelled());
    queue.pump_all();
    for (const dcc::job &sleeper : sleepers) EXPECT(sleeper.state() == dcc::job_state::completed);

    EXPECT(dcc_cancel_token_set_deadline_after(later.get(), 1) == DCC_ERROR_SHUTDOWN);
    EXPECT(cancel_async(later) == DCC_ERROR_SHUTDOWN);
    dcc_events *events = nullptr;
    EXPECT(dcc_events_create(8, &events) == DCC_ERROR_SHUTDOWN && events == nullptr);
    EXPECT(dcc_shutdown() == DCC_OK);

    on_cancel(later, take_a_while);
    EXPECT(later.cancel("by hand") && called == 3);
    EXPECT(dcc_cancel_token_wait(later.get(), DCC_NO_LIMIT) == DCC_CANCELLED_BY_TOKEN);
    const dcc::job job = dcc::job::create({"after the shutdown"});
    EXPECT(dcc::run(job, [] { return true; }) == dcc::job_state::completed);
    return 0;
}
