// Hosts' own checks, asked while the thread that may ask them waits. Also compiled without exceptions.

#include "dcc_cancel.hpp"
#include "expect.hpp"
#include "hangs.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace {

using namespace std::chrono_literals;

/* A host that says "stop" when it is asked the third time. */
class host {
public:
    explicit host(std::mutex *needed = nullptr) : needed_(needed) {}

    dcc::job job()
    {
        dcc::job_options options;
        options.is_cancelled = [this] {
            if (needed_ != nullptr)
                const std::lock_guard<std::mutex> lock(*needed_);
            return ++asked_ == 3;
        };
        options.min_interval = 1ms;
        const dcc::job made = dcc::job::create(options);
        EXPECT(made.begin());
        return made;
    }

    int asked() const { return asked_; }

private:
    std::mutex *needed_;
    std::atomic<int> asked_{0};
};

template <class Condition> void a_wait_for_a_condition_asks()
{
    std::mutex mutex;
    Condition changed;
    host esc(&mutex); // the check takes the lock that the waiting thread holds
    const dcc::job job = esc.job();
    std::unique_lock<std::mutex> lock(mutex);
    EXPECT(!dcc::wait(changed, lock, job.token(), [] { return false; }));
    EXPECT(lock.owns_lock() && esc.asked() == 3 && job.token().cause() == dcc::cause::foreign);
}

void a_wait_for_a_condition_asks_for_what_is_current()
{
    host esc;
    const dcc::job job = esc.job();
    const dcc::job_scope current(job);
    std::mutex mutex;
    std::condition_variable changed;
    std::unique_lock<std::mutex> lock(mutex);
    const dcc::token below = dcc::token::create({job.token()});
    EXPECT(!dcc::wait(changed, lock, below, [] { return false; }));
    EXPECT(esc.asked() == 3);
}

void a_wait_whose_condition_is_there_asks_nobody()
{
    host esc;
    const dcc::job job = esc.job();
    std::mutex mutex;
    std::condition_variable changed;
    std::unique_lock<std::mutex> lock(mutex);
    EXPECT(dcc::wait(changed, lock, job.token(), [] { return true; }));
    EXPECT(esc.asked() == 0);
}

void until_cancelled()
{
    dcc::poller cancelled;
    while (!cancelled())
        std::this_thread::yield();
}

void who_joins_asks()
{
    {
        host esc;
        const dcc::job job = esc.job();
        const dcc::job_scope current(job);
        dcc::scope pieces;
        pieces.spawn(until_cancelled);
        pieces.spawn([&pieces] { pieces.spawn(until_cancelled); });
        EXPECT(!pieces.join());
        EXPECT(esc.asked() == 3);
    }
    {
        host esc;
        const dcc::job job = esc.job();
        const dcc::job_scope current(job);
        dcc::jthread empty;
        dcc::jthread worker(until_cancelled);
        empty.swap(worker);
        worker = std::move(empty);
        worker.join();
        EXPECT(esc.asked() == 3 && !worker.joinable());
    }
}

// A host's job calls a library, which runs a job of its own on the same thread.
template <class Work> void asked_around(const Work &work)
{
    host esc;
    const dcc::job outer = esc.job();
    const dcc::job_scope current(outer);
    {
        const dcc::job inner = dcc::job::create();
        EXPECT(inner.begin());
        const dcc::job_scope innermost(inner);
        const dcc::job_scope again(inner);
        work(inner);
        EXPECT(inner.is_cancelled() && inner.token().cause() == dcc::cause::foreign);
    }
    EXPECT(esc.asked() == 3 && outer.is_cancelled() && dcc::is_cancelled());
}

void what_lies_under_the_current_job_is_asked()
{
    asked_around([](const dcc::job &) { until_cancelled(); });
    asked_around([](const dcc::job &) {
        while (!dcc::is_cancelled())
            std::this_thread::yield();
    });
    asked_around([](const dcc::job &) {
        while (dcc_slice_is_over() == DCC_OK)
            std::this_thread::yield();
    });
    asked_around([](const dcc::job &inner) {
        while (dcc_progress_add(nullptr, 1) == DCC_OK)
            std::this_thread::yield();
        EXPECT(inner.is_cancelled());
    });
    asked_around([](const dcc::job &inner) { EXPECT(inner.token().wait()); });
    asked_around([](const dcc::job &inner) { EXPECT(inner.token().wait_for(hangs_after)); });
    asked_around([](const dcc::job &) {
        while (const auto pause = dcc::ask_host())
            std::this_thread::sleep_for(*pause);
    });
    asked_around([](const dcc::job &) {
        dcc::scope pieces;
        pieces.spawn(until_cancelled);
        EXPECT(!pieces.join());
    });
    asked_around([](const dcc::job &inner) {
        while (inner.set_progress(1, 2))
            std::this_thread::yield();
    });
    asked_around([](const dcc::job &inner) {
        while (!inner.is_cancelled())
            std::this_thread::yield();
    });
    // Two libraries deep; the job in the middle has no host's check.
    asked_around([](const dcc::job &) {
        const dcc::job third = dcc::job::create();
        EXPECT(dcc::run(third, until_cancelled) == dcc::job_state::completed);
    });
}

void a_commit_asks_what_lies_under_it()
{
    host esc;
    const dcc::job outer = esc.job();
    const dcc::job_scope current(outer);
    const dcc::job inner = dcc::job::create();
    EXPECT(inner.begin());
    const dcc::job_scope innermost(inner);
    while (esc.asked() < 2)
        EXPECT(!dcc::is_cancelled());
    std::this_thread::sleep_for(2ms); // longer than the check's interval
    EXPECT(inner.try_commit([] { EXPECT(false); }) == DCC_CANCELLED_BY_JOB);
}

void a_mask_hides_what_lies_under_it()
{
    host esc;
    const dcc::job outer = esc.job();
    const dcc::job_scope current(outer);
    const dcc::shield cleaning;
    const dcc::job inner = dcc::job::create();
    const dcc::job_scope innermost(inner);
    for (int i = 0; i < 100; ++i)
        EXPECT(!dcc::is_cancelled() && !inner.token().wait_for(100us));
    EXPECT(esc.asked() == 0);
}

void what_is_not_below_it_goes_on()
{
    host esc;
    const dcc::job outer = esc.job();
    const dcc::job_scope current(outer);
    dcc::job_options alone;
    alone.is_detached = true;
    const dcc::job inner = dcc::job::create(alone);
    const dcc::job_scope innermost(inner);
    while (esc.asked() < 3)
        EXPECT(!dcc::is_cancelled());
    EXPECT(!dcc::is_cancelled() && outer.is_cancelled());
}

void a_wait_of_ones_own_asks()
{
    EXPECT(!dcc::ask_host());
    host esc;
    const dcc::job job = esc.job();
    EXPECT(!dcc::ask_host());
    const auto again = dcc::ask_host(job.token());
    EXPECT(again && *again <= 1ms && esc.asked() == 1);
    const dcc::job_scope current(job);
    while (const auto pause = dcc::ask_host())
        std::this_thread::sleep_for(*pause);
    EXPECT(esc.asked() == 3 && job.token().cause() == dcc::cause::foreign);
}

void nothing_is_pumped_inside_a_check()
{
    const dcc::dispatcher ui = dcc::dispatcher::create();
    int runs = 0;
    ui.post("agent's edit", [&runs] { ++runs; });
    dcc::job_options options;
    options.is_cancelled = [&ui] {
        const dcc::tick refused = ui.pump_all(); // as an event loop would
        EXPECT(refused.status == DCC_ERROR_REENTRANT && refused.next.has_value());
        return false;
    };
    const dcc::job job = dcc::job::create(options);
    EXPECT(dcc::run(job, [] { EXPECT(!dcc::is_cancelled()); }) == dcc::job_state::completed);
    EXPECT(runs == 0);
    EXPECT(ui.pump_all().status == DCC_OK && runs == 1);
}

} // namespace

int main()
{
    a_wait_for_a_condition_asks<std::condition_variable>();
    a_wait_for_a_condition_asks<std::condition_variable_any>();
    a_wait_for_a_condition_asks_for_what_is_current();
    a_wait_whose_condition_is_there_asks_nobody();
    who_joins_asks();
    what_lies_under_the_current_job_is_asked();
    a_commit_asks_what_lies_under_it();
    a_mask_hides_what_lies_under_it();
    what_is_not_below_it_goes_on();
    a_wait_of_ones_own_asks();
    nothing_is_pumped_inside_a_check();
    return 0;
}
