// Results of posted jobs: by waiting, and as futures. Also compiled without exceptions and RTTI; the futures
// are then left out.

#include "dcc_cancel.hpp"
#include "expect.hpp"
#include "gate.hpp"

#include <atomic>
#include <exception>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

using namespace std::chrono_literals;

namespace {

// A thread that pumps its dispatcher until the end of the scope.
class pumping_thread {
public:
    explicit pumping_thread(dcc::dispatcher_options options = {})
    {
        options.bind_later = true;
        queue = dcc::dispatcher::create(std::move(options));
        thread_ = std::thread([this] {
            // It pumps at least once: before that the dispatcher has no thread, and a close runs nothing.
            do {
                queue.pump_all();
                std::this_thread::sleep_for(1ms);
            } while (!is_over_);
            // A result may be there before its thread is done with the job.
            dcc_status closed;
            while ((closed = queue.close()) == DCC_PENDING)
                std::this_thread::sleep_for(1ms);
            EXPECT(closed == DCC_OK);
        });
    }
    pumping_thread(const pumping_thread &) = delete;
    pumping_thread &operator=(const pumping_thread &) = delete;
    ~pumping_thread()
    {
        is_over_ = true;
        thread_.join();
    }

    std::thread::id id() const { return thread_.get_id(); }

    dcc::dispatcher queue;

private:
    std::atomic<bool> is_over_{false};
    std::thread thread_;
};

void on_its_own_thread_a_wait_runs_the_job_at_once()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    int slices = 0;
    bool is_told = false;
    dcc::post_options options;
    options.completion = [&is_told](const dcc::job &, dcc::job_state) { is_told = true; };
    const dcc::waited_job done = queue.post_and_wait(
        "", [&slices] { return ++slices < 3 ? dcc::step::again : dcc::step::done; }, 0s, options);
    EXPECT(done && done.end == dcc::wait_end::over && slices == 3 && is_told);
    EXPECT(done.state == dcc::job_state::completed && done.job.state() == done.state);
    const dcc::waited_job failed =
        queue.post_and_wait("", [](const dcc::job &job) { job.fail("no disk"); }, dcc::no_limit);
    EXPECT(!failed && failed.end == dcc::wait_end::over);
    EXPECT(failed.state == dcc::job_state::failed && failed.job.failure() == "no disk");
}

void elsewhere_a_wait_lasts_until_the_job_is_over()
{
    pumping_thread ui;
    std::thread::id ran_on;
    int written = 0; // not atomic: the wait is what orders it
    const dcc::waited_job done = ui.queue.post_and_wait(
        "",
        [&] {
            ran_on = std::this_thread::get_id();
            written = 1;
        },
        std::chrono::hours::max());
    EXPECT(done && ran_on == ui.id() && written == 1);
}

void a_wait_says_whether_the_job_had_started_when_its_time_was_over()
{
    pumping_thread ui;
    gate running;
    gate stuck;
    const dcc::job first = ui.queue.post("", [&] {
        running.open();
        stuck.wait();
    });
    running.wait();
    const auto kept = std::make_shared<int>(0);
    const dcc::waited_job late =
        ui.queue.post_and_wait("", [kept] { EXPECT(false); }, 5ms);
    EXPECT(!late && late.end == dcc::wait_end::timed_out);
    EXPECT(late.state == dcc::job_state::cancelled);
    stuck.open();
    dcc::waited_job started;
    // If the machine stood still, the job was taken back before it began. Then it gets more time.
    for (auto time = 50ms; !started.job || started.end == dcc::wait_end::timed_out; time *= 2)
        started = ui.queue.post_and_wait(
            "",
            [](const dcc::job &job) {
                while (!job.is_cancelled())
                    std::this_thread::sleep_for(1ms);
                return false;
            },
            time);
    EXPECT(!started && started.end == dcc::wait_end::started);
    EXPECT(started.job.token().cause() == dcc::cause::deadline);
    while (started.job.state() != dcc::job_state::cancelled || kept.use_count() > 1)
        std::this_thread::sleep_for(1ms);
}

void a_wait_for_a_stuck_thread_is_given_up()
{
    dcc::dispatcher_options options;
    options.wedge_threshold = 20ms;
    // The tick that runs the job may have begun before the post.
    const auto began = std::chrono::steady_clock::now();
    pumping_thread ui(std::move(options));
    gate running;
    gate stuck;
    ui.queue.post("import", [&] {
        running.open();
        stuck.wait();
    });
    running.wait();
    const dcc::waited_job given_up = ui.queue.post_and_wait("", [] { EXPECT(false); }, dcc::no_limit);
    EXPECT(given_up.end == dcc::wait_end::wedged && ui.queue.stats().is_wedged);
    const auto present_for = ui.queue.stats().present_for;
    EXPECT(present_for >= 20ms && present_for <= std::chrono::steady_clock::now() - began);
    stuck.open();
}

void a_refused_one_is_not_waited_for()
{
    dcc::dispatcher_options options;
    options.capacity = 1;
    options.bind_later = true;
    dcc::dispatcher queue = dcc::dispatcher::create(std::move(options));
    queue.post("", [] {});
    const auto kept = std::make_shared<int>(0);
    const auto never = [kept] { EXPECT(false); };
    dcc::waited_job result;
    EXPECT(queue.try_post_and_wait(result, "", never, dcc::no_limit) == DCC_ERROR_OVERLOADED);
    EXPECT(!result && result.end == dcc::wait_end::refused && !result.job);
    EXPECT(kept.use_count() == 2); // here and in `never`
#if DCC_CANCEL_EXCEPTIONS
    bool thrown = false;
    try {
        queue.post_and_wait("", never, dcc::no_limit);
    } catch (const dcc::overloaded_error &error) {
        thrown = error.admission().depth == 1 && error.admission().capacity == 1;
    }
    EXPECT(thrown && kept.use_count() == 2);
#endif
    queue.pump_all();
}

#if DCC_CANCEL_EXCEPTIONS

template <class Exception, class Future> std::string thrown_by(Future &future)
{
    try {
        future.get();
    } catch (const Exception &thrown) {
        return thrown.what();
    }
    return "nothing";
}

bool is_ready(const std::future<void> &future)
{
    return future.wait_for(0s) == std::future_status::ready;
}

void a_future_has_what_the_callable_returns()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    int value = 7;
    auto number = queue.async("", [] { return 42; });
    auto text = queue.async("weld", [](const dcc::job &job) { return job.label(); });
    auto moved = queue.async("", [seven = std::make_unique<int>(7)]() mutable {
        return std::move(seven);
    });
    auto reference = queue.async("", [&value]() -> int & { return value; });
    auto nothing = queue.async("", [&value] { ++value; });
    auto truth = queue.async("", [] { return false; }); // a value here, not "stopped"
    static_assert(std::is_same_v<decltype(nothing), std::future<void>>);
    EXPECT(!is_ready(nothing));
    EXPECT(queue.pump_all().completed == 6);
    EXPECT(is_ready(nothing));
    nothing.get();
    EXPECT(number.get() == 42 && text.get() == "weld" && *moved.get() == 7 && !truth.get());
    EXPECT(&reference.get() == &value && value == 8);
    EXPECT(queue.stats().completed == 6);
}

void the_dispatchers_thread_may_wait_for_what_runs_on_another()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    dcc::post_options options;
    options.any_thread = true;
    auto here = queue.async("", [] { return std::this_thread::get_id(); }, options);
    EXPECT(here.get() != std::this_thread::get_id());
}

struct broken_mesh : std::runtime_error {
    using std::runtime_error::runtime_error;
    int holes = 3;
};

void a_future_throws_what_the_callable_threw()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    auto failed = queue.async("", []() -> int { throw broken_mesh("three holes"); });
    auto cancelled = queue.async("", [](const dcc::job &job) {
        job.cancel();
        job.token().throw_if_cancelled();
    });
    auto strange = queue.async("", [] { throw 7; });
    auto committed = queue.async("", [](const dcc::job &job) {
        job.commit([] {});
        throw dcc::cancelled_error();
    });
    queue.pump_all();
    // Its job has failed, because it could not be cancelled any more.
    EXPECT(thrown_by<std::runtime_error>(committed).find("it stopped after its commit: ") == 0);
    EXPECT(thrown_by<broken_mesh>(failed) == "three holes");
    EXPECT(thrown_by<dcc::cancelled_error>(cancelled) != "nothing");
    int seven = 0;
    try {
        strange.get();
    } catch (int thrown) {
        seven = thrown;
    }
    EXPECT(seven == 7);
    EXPECT(queue.stats().failed == 3 && queue.stats().cancelled == 1);
}

void a_future_throws_when_its_job_never_ran()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    dcc::token parent = dcc::token::create();
    int told = 0;
    dcc::post_options options;
    options.parent = parent;
    options.completion = [&told](const dcc::job &, dcc::job_state) { ++told; };
    auto cancelled = queue.async("", [] { EXPECT(false); }, options);
    parent.cancel("enough");
    EXPECT(is_ready(cancelled) && told == 0); // no thread has pumped
    try {
        cancelled.get();
        EXPECT(false);
    } catch (const dcc::cancelled_error &error) {
        EXPECT(error.reason() == "enough" && error.status() == DCC_CANCELLED_BY_JOB);
    }
    auto at_once = queue.async("", [] { EXPECT(false); }, options); // below what is cancelled
    EXPECT(is_ready(at_once));
    queue.pump_all();
    EXPECT(told == 2);
    EXPECT(thrown_by<dcc::cancelled_error>(at_once) != "nothing");

    options.parent = dcc::token();
    options.deadline = 1ms;
    auto late = queue.async("", [] { EXPECT(false); }, options);
    late.wait(); // the library's callback thread tells of it
    queue.pump_all();
    EXPECT(told == 3 && thrown_by<dcc::cancelled_error>(late) != "nothing");
    options.deadline = {};

    options.parent = dcc::token();
    auto interrupted = queue.async("", [] { EXPECT(false); }, options);
    EXPECT(queue.close() == DCC_OK && told == 4);
    EXPECT(thrown_by<std::future_error>(interrupted) != "nothing");
    bool thrown = false;
    try {
        queue.async("", [] { EXPECT(false); });
    } catch (const dcc::error &error) {
        thrown = error.status() == DCC_ERROR_SHUTDOWN;
    }
    EXPECT(thrown);
}

// This holds, too, if the completion is left out because another thread closes.
void a_future_is_broken_when_its_owner_is_closed()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    dcc::owner plugin = dcc::owner::create();
    dcc::post_options options;
    options.owner = &plugin;
    auto future = queue.async("", [] { EXPECT(false); }, options);
    std::thread([&plugin] { EXPECT(plugin.close() == DCC_OK); }).join();
    EXPECT(thrown_by<std::future_error>(future) != "nothing");
    EXPECT(queue.pump_all().executed == 0 && queue.stats().completions_dropped == 1);
}

void a_job_that_its_callable_ended_keeps_no_promise_by_returning()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    auto failed = queue.async("", [](const dcc::job &job) { return job.fail("no disk"); });
    auto stopped = queue.async("", [](const dcc::job &job) { return job.acknowledge_cancel(); });
    auto completed = queue.async("", [](const dcc::job &job) { return job.complete(); });
    queue.pump_all();
    EXPECT(thrown_by<std::runtime_error>(failed) == "no disk");
    EXPECT(thrown_by<dcc::cancelled_error>(stopped) != "nothing");
    EXPECT(completed.get());
}

// The future gets exactly one value or one exception, in either order, and its promise is never broken.
void a_cancel_at_the_same_moment_gives_one_outcome()
{
    pumping_thread ui;
    for (int round = 0; round < 300; ++round) {
        dcc::token parent = dcc::token::create();
        std::atomic<int> ran{0};
        dcc::post_options options;
        options.parent = parent;
        auto future = ui.queue.async("", [&ran] { return ++ran; }, options);
        parent.cancel();
        bool is_cancelled = false;
        try {
            EXPECT(future.get() == 1);
        } catch (const dcc::cancelled_error &) {
            is_cancelled = true;
        }
        EXPECT(ran == (is_cancelled ? 0 : 1));
    }
}

#endif

} // namespace

int main()
{
    on_its_own_thread_a_wait_runs_the_job_at_once();
    elsewhere_a_wait_lasts_until_the_job_is_over();
    a_wait_says_whether_the_job_had_started_when_its_time_was_over();
    a_wait_for_a_stuck_thread_is_given_up();
    a_refused_one_is_not_waited_for();
#if DCC_CANCEL_EXCEPTIONS
    // A promise that is set twice would be reported here.
    dcc::set_callback_exception_handler([](std::exception_ptr) noexcept { EXPECT(false); });
    a_future_has_what_the_callable_returns();
    the_dispatchers_thread_may_wait_for_what_runs_on_another();
    a_future_throws_what_the_callable_threw();
    a_future_throws_when_its_job_never_ran();
    a_future_is_broken_when_its_owner_is_closed();
    a_job_that_its_callable_ended_keeps_no_promise_by_returning();
    a_cancel_at_the_same_moment_gives_one_outcome();
#endif
    return 0;
}
