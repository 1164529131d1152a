// Qt's event loop pumps a dispatcher: a cancel stops its jobs, its thread stays responsive, and it rests when
// there is nothing to do.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <QtCore/QCoreApplication>
#include <QtCore/QEventLoop>
#include <QtCore/QThread>
#include <QtCore/QThreadPool>

#include "dcc_cancel/adapters/qt_pump.hpp"
#include "qt_loop.hpp"

namespace {

using namespace std::chrono_literals;

void work_for(test_clock::duration time)
{
    const auto end = test_clock::now() + time;
    while (test_clock::now() < end) {
    }
}

// A job in one piece, as most jobs are at first, which blocks the thread.
double cancelled_job(bool polled)
{
    dcc::qt_pump pump;
    std::optional<canceller> user;
    bool was_stopped = false;
    double to_return = 0;
    bool is_over = false;
    dcc::post_options options;
    options.completion = [&](const dcc::job &, dcc::job_state) {
        to_return = user->milliseconds_since_cancel(test_clock::now());
        is_over = true;
    };
    const dcc::job job = pump.dispatcher().post(
        "Bake",
        [&] {
            user->work_has_begun();
            dcc::poller cancelled;
            for (int tile = 0; tile < 5000; ++tile) {
                work_for(100us);
                if (polled && cancelled())
                    return false;
            }
            return true;
        },
        options);
    user.emplace(job);
    EXPECT_SOON(is_over);
    was_stopped = job.state() == dcc::job_state::cancelled;
    EXPECT(was_stopped);
    return to_return;
}

double whole_job()
{
    dcc::qt_pump pump;
    bool is_over = false;
    const auto begin = test_clock::now();
    pump.dispatcher().post("Bake", [&] {
        dcc::poller cancelled;
        for (int tile = 0; tile < 5000 && !cancelled(); ++tile)
            work_for(100us);
        is_over = true;
    });
    EXPECT_SOON(is_over);
    return milliseconds(test_clock::now() - begin);
}

// Any thread may post. The pump's thread runs the job, although no timer was running before.
void runs_what_any_thread_posts()
{
    dcc::qt_pump pump;
    EXPECT(comes_to_rest());
    EXPECT(pump.dispatcher().stats().ticks == 0);
    std::optional<test_clock::time_point> ran;
    const auto here = std::this_thread::get_id();
    test_clock::time_point posted;
    std::thread([&] {
        posted = test_clock::now();
        pump.dispatcher().post("Count", [&] {
            EXPECT(std::this_thread::get_id() == here);
            ran = test_clock::now();
        });
    }).join();
    EXPECT(!ran);
    EXPECT_SOON(ran);
    std::printf("FIGURE qt_pump post to run: %.2f ms\n", milliseconds(*ran - posted));
}

// A pump takes at most its budget. Between two pumps the thread's other work gets its turn.
void leaves_the_thread_to_its_host()
{
    dcc::qt_pump pump;
    pump.set_budget(4ms);
    int events = 0, left = 100;
    std::vector<int> events_at_tick;
    std::uint64_t executed = 0;
    pump.set_ticked([&](const dcc::tick &done) {
        EXPECT(done.executed <= 4);
        executed += done.executed;
        events_at_tick.push_back(events);
    });
    // Work that a host does all the time, such as following the mouse.
    QObject host;
    const std::function<void()> do_event = [&] {
        ++events;
        QMetaObject::invokeMethod(&host, do_event, Qt::QueuedConnection);
    };
    do_event();
    for (int count = left; count > 0; --count)
        pump.dispatcher().post("a millisecond", [&] {
            work_for(1ms);
            --left;
        });
    EXPECT_SOON(left == 0);
    EXPECT(executed == 100 && events_at_tick.size() >= 25);
    for (std::size_t tick = 1; tick < events_at_tick.size(); ++tick)
        EXPECT(events_at_tick[tick] > events_at_tick[tick - 1]);
    // Steps wait for the next frame.
    int slices = 0;
    const auto begin = test_clock::now();
    pump.dispatcher().post("Simulate",
                           [&] { return ++slices < 10 ? dcc::step::again : dcc::step::done; });
    EXPECT_SOON(slices == 10);
    EXPECT(test_clock::now() - begin > 100ms);
}

void rests_when_nothing_is_left()
{
    dcc::qt_pump pump;
    int runs = 0;
    pump.dispatcher().post("Count", [&] { ++runs; });
    EXPECT_SOON(runs == 1);
    const auto is_at_rest = [&] {
        const auto ticks = pump.dispatcher().stats().ticks;
        return comes_to_rest() && pump.findChild<QTimer *>()->remainingTime() == -1 &&
               pump.dispatcher().stats().ticks == ticks;
    };
    EXPECT(is_at_rest());
    pump.dispatcher().post("Count", [&] { ++runs; });
    EXPECT(!is_at_rest() && runs == 2);
    EXPECT(is_at_rest());
    // The pump looks at a job on another thread at intervals; a post meanwhile does not wait for that.
    gate may_end;
    dcc::post_options elsewhere;
    elsewhere.any_thread = true;
    bool is_over = false;
    elsewhere.completion = [&](const dcc::job &, dcc::job_state) { is_over = true; };
    pump.dispatcher().post("Elsewhere", [&] { may_end.wait(); }, elsewhere);
    EXPECT_SOON(pump.dispatcher().stats().running == 1);
    for (int count = 3; count < 5; ++count) {
        pump.dispatcher().post("Count", [&] { ++runs; });
        EXPECT(comes_to_rest());
        EXPECT(runs == count);
        EXPECT(pump.findChild<QTimer *>()->isActive());
    }
    may_end.open();
    EXPECT_SOON(is_over);
}

// A dialog that a job opens, and one that other code opens.
void nested_loops()
{
    dcc::qt_pump pump;
    bool has_run = false, is_open = false;
    pump.dispatcher().post("Ask", [&] {
        is_open = true;
        pump.dispatcher().post("Count", [&] { has_run = true; });
        EXPECT(comes_to_rest() && !has_run);
        is_open = false;
    });
    EXPECT_SOON(has_run);
    EXPECT(!is_open);

    has_run = false;
    QEventLoop dialog;
    pump.dispatcher().post("Count", [&] {
        has_run = true;
        dialog.quit();
    });
    QTimer::singleShot(20'000, &dialog, &QEventLoop::quit);
    dialog.exec();
    EXPECT(has_run);

    // Code that pumps by hand leaves the rest to the pump object, even if a loop ran inside.
    int runs = 0;
    pump.dispatcher().post("Ask", [&] { EXPECT(comes_to_rest()); });
    for (int count = 0; count < 3; ++count)
        pump.dispatcher().post("Count", [&] { ++runs; });
    EXPECT(pump.dispatcher().pump(dcc::no_limit, 1).remaining == 3);
    EXPECT_SOON(runs == 3);
}

void not_now()
{
    dcc::dispatcher_options options;
    int asked = 0;
    options.veto = [&] { return ++asked < 5; };
    dcc::qt_pump pump(options);
    bool has_run = false;
    pump.dispatcher().post("Count", [&] { has_run = true; });
    EXPECT_SOON(asked > 0);
    EXPECT(!has_run);
    EXPECT_SOON(has_run);
}

// Queued jobs end with the pump object, and code that still has the dispatcher can do no harm.
void its_end()
{
    dcc::dispatcher held;
    auto seen = dcc::job_state::none;
    {
        dcc::qt_pump pump;
        held = pump.dispatcher();
        dcc::post_options options;
        options.completion = [&](const dcc::job &, dcc::job_state state) { seen = state; };
        held.post("Never", [] {}, options);
    }
    EXPECT(seen == dcc::job_state::interrupted);
    dcc::job refused;
    EXPECT(held.try_post(refused, "Late", [] {}) == DCC_ERROR_SHUTDOWN);
    EXPECT(comes_to_rest());

    // A job on another thread ends when the pump object is gone; code that still has the dispatcher
    // continues.
    gate may_end;
    auto *pump_of_short_life = new dcc::qt_pump;
    held = pump_of_short_life->dispatcher();
    dcc::post_options elsewhere;
    elsewhere.any_thread = true;
    elsewhere.completion = [&](const dcc::job &, dcc::job_state state) { seen = state; };
    held.post("Elsewhere", [&] { may_end.wait(); }, elsewhere);
    EXPECT_SOON(held.stats().running == 1);
    delete pump_of_short_life;
    EXPECT(held.pump_all().remaining == 0);
    may_end.open();
    EXPECT_SOON(held.stats().awaiting_completion == 1);
    EXPECT(held.pump_all().completed == 1 && seen == dcc::job_state::completed);

    // Threads post all the time.
    std::atomic<bool> is_over{false};
    for (int round = 0; round < 50; ++round) {
        auto pump = std::make_unique<dcc::qt_pump>();
        std::atomic<int> posted{0};
        std::thread other([&posted, dispatcher = pump->dispatcher()] {
            dcc::job job;
            while (dispatcher.try_post(job, "Count", [] {}) != DCC_ERROR_SHUTDOWN)
                ++posted;
        });
        EXPECT_SOON(posted > round);
        pump.reset();
        other.join();
    }
}

void a_job_may_destroy_it()
{
    auto *pump = new dcc::qt_pump;
    bool is_inside = false;
    auto seen = dcc::job_state::none;
    // The pump is gone by then, so nothing calls this.
    pump->set_ticked([](const dcc::tick &) { EXPECT(false); });
    pump->dispatcher().post("Close the window", [&] {
        is_inside = true;
        delete pump;
        EXPECT(seen == dcc::job_state::none);
        is_inside = false;
    });
    dcc::post_options options;
    options.completion = [&](const dcc::job &, dcc::job_state state) {
        EXPECT(!is_inside);
        seen = state;
    };
    pump->dispatcher().post("Never", [] {}, options);
    EXPECT_SOON(seen == dcc::job_state::interrupted);

    auto second = std::make_unique<dcc::qt_pump>();
    second->set_ticked([&second, kept = std::make_shared<int>(7)](const dcc::tick &) {
        second.reset();
        EXPECT(*kept == 7);
    });
    second->dispatcher().post("Count", [] {});
    EXPECT_SOON(!second);
    EXPECT(comes_to_rest());
}

void what_is_thrown_stays_outside()
{
    const thrown_ones thrown;
    dcc::qt_pump pump;
    pump.set_ticked([](const dcc::tick &) { throw std::runtime_error("no such row"); });
    int runs = 0;
    pump.dispatcher().post("Count", [&] { ++runs; });
    EXPECT_SOON(thrown.count() == 1);
    pump.dispatcher().post("Count", [&] { ++runs; });
    EXPECT_SOON(thrown.count() == 2);
    EXPECT(runs == 2);
}

void other_threads_may_have_one()
{
    class : public QThread {
    public:
        gate has_pump;
        dcc::dispatcher dispatcher;

    protected:
        void run() override
        {
            dcc::qt_pump pump;
            dispatcher = pump.dispatcher();
            has_pump.open();
            exec();
        }
    } worker;
    worker.start();
    worker.has_pump.wait();
    const dcc::waited_job done = worker.dispatcher.post_and_wait(
        "Count", [&] { EXPECT(QThread::currentThread() == &worker); }, hangs_after);
    EXPECT(done);
    worker.quit();
    EXPECT(worker.wait(20'000));
}

// Qt's own pool accepts callables that carry the context.
void a_pool_has_the_context()
{
    const dcc::job job = dcc::job::create({"Solve"});
    const dcc::job_scope current(job);
    std::atomic<bool> saw{false};
    QThreadPool pool;
    pool.start(dcc::with_context([&saw] {
        dcc::poller cancelled;
        while (!cancelled())
            std::this_thread::yield();
        saw = true;
    }));
    job.cancel();
    EXPECT(pool.waitForDone(20'000) && saw);
}

} // namespace

int main(int argc, char **argv)
{
    QCoreApplication application(argc, argv);
    const double to_return = cancelled_job(is_polled(argc, argv));
    print_figure("qt_pump", to_return, whole_job());
    runs_what_any_thread_posts();
    leaves_the_thread_to_its_host();
    rests_when_nothing_is_left();
    nested_loops();
    not_now();
    its_end();
    a_job_may_destroy_it();
    what_is_thrown_stays_outside();
    other_threads_may_have_one();
    a_pool_has_the_context();
    return 0;
}
