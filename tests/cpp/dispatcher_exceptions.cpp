// An exception of a callable never unwinds into a dispatcher: it fails the callable's job, or the handler
// gets it. Without exceptions there is nothing to test.

#include "dcc_cancel.hpp"
#include "expect.hpp"

#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;

#if DCC_CANCEL_EXCEPTIONS

namespace {

std::string told;

void tell(std::exception_ptr thrown) noexcept
{
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception &exception) {
        told += exception.what();
    } catch (...) {
        told += "strange";
    }
    told += ", ";
}

void what_a_job_throws_is_how_it_ends()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    dcc::job_state end = dcc::job_state::none;
    dcc::post_options options;
    options.completion = [&end](const dcc::job &, dcc::job_state state) { end = state; };
    const dcc::job failed = queue.post(
        "", [] { throw std::runtime_error("three holes"); }, options);
    const dcc::job after = queue.post("", [] {});
    EXPECT(queue.pump_all().executed == 2);
    EXPECT(end == dcc::job_state::failed && failed.failure() == "three holes");
    EXPECT(after.state() == dcc::job_state::completed);

    const dcc::job strange = queue.post("", [] { throw 7; });
    const dcc::job stopped = queue.post("", [](const dcc::job &job) -> dcc::step {
        job.cancel();
        dcc::throw_if_cancelled();
        return dcc::step::again;
    });
    // The status in the exception does not matter.
    const dcc::job odd = queue.post("", [] { throw dcc::cancelled_error(DCC_OK); });
    const dcc::job empty = queue.post("", std::function<void()>());
    queue.pump_all();
    EXPECT(strange.failure() == "threw what is no std::exception");
    EXPECT(stopped.state() == dcc::job_state::cancelled);
    EXPECT(odd.state() == dcc::job_state::cancelled);
    EXPECT(empty.state() == dcc::job_state::failed);
    EXPECT(told.empty());
}

void a_text_that_the_library_does_not_take_fails_the_job_all_the_same()
{
    const std::string latin = "keine Fl\xE4"
                              "che";
    const std::string plain = "keine Fl?che";
    const std::string endless(DCC_MAX_TEXT_LENGTH + 1, 'x');
    dcc::dispatcher queue = dcc::dispatcher::create();
    const dcc::job foreign = queue.post("", [&latin] { throw std::runtime_error(latin); });
    const dcc::job longer = queue.post("", [&endless] { throw std::runtime_error(endless); });
    queue.pump_all();
    EXPECT(foreign.failure() == plain);
    EXPECT(longer.failure() == std::string(512, 'x'));
    const dcc::job run = dcc::job::create();
    EXPECT(dcc::run(run, [&latin] { throw std::runtime_error(latin); }) == dcc::job_state::failed);
    EXPECT(run.failure() == plain);
}

void what_a_completion_throws_is_told_and_stops_nothing()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    dcc::post_options options;
    options.completion = [](const dcc::job &, dcc::job_state) {
        throw std::runtime_error("no window");
    };
    const dcc::job job = queue.post("", [] {}, options);
    queue.post("", [] {});
    const dcc::tick tick = queue.pump_all();
    EXPECT(tick.status == DCC_OK && tick.completed == 2);
    EXPECT(job.state() == dcc::job_state::completed);
    EXPECT(std::exchange(told, "") == "no window, ");
}

void what_a_hosts_function_throws_is_told_and_means_no()
{
    bool throws = true;
    bool ran = false;
    dcc::dispatcher_options options;
    options.wake = [] { throw std::runtime_error("no loop"); };
    options.veto = [&throws] {
        if (throws)
            throw std::runtime_error("no scene");
        return false;
    };
    options.progress_interval = 1ns;
    options.progress = [](const dcc::job &, dcc::job_progress) { throw 7; };
    options.execute = [](dcc::pool_task) -> bool { throw std::runtime_error("no pool"); };
    dcc::dispatcher queue = dcc::dispatcher::create(std::move(options));
    queue.post("", [&ran](const dcc::job &job) {
        ran = true;
        job.set_progress(1, 2);
    });
    EXPECT(std::exchange(told, "") == "no loop, ");
    EXPECT(queue.pump_all().is_vetoed && !ran);
    EXPECT(std::exchange(told, "") == "no scene, ");
    throws = false;
    EXPECT(queue.pump_all().completed == 1 && ran);
    EXPECT(std::exchange(told, "") == "strange, ");
    dcc::post_options elsewhere;
    elsewhere.any_thread = true;
    dcc::job refused;
    EXPECT(queue.try_post(refused, "", [] {}, elsewhere) == DCC_ERROR_OVERLOADED);
    EXPECT(std::exchange(told, "") == "no pool, ");
}

struct copies_never {
    copies_never() = default;
    copies_never(const copies_never &) { throw std::runtime_error("no copy"); }
    void operator()() const { EXPECT(false); }
};

void a_callable_that_cannot_be_copied_in_is_not_posted()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    const copies_never callable;
    dcc::job job;
    int thrown = 0;
    try {
        queue.post("", callable);
    } catch (const std::runtime_error &) {
        ++thrown;
    }
    try {
        queue.try_post(job, "", callable);
    } catch (const std::runtime_error &) {
        ++thrown;
    }
    EXPECT(thrown == 2 && queue.stats().posted == 0);
}

void what_cannot_be_created_is_thrown()
{
    dcc::dispatcher_options options;
    options.capacity = DCC_MAX_CAPACITY + 1;
    std::string what;
    try {
        dcc::dispatcher::create(std::move(options));
    } catch (const dcc::error &error) {
        what = error.what();
        EXPECT(error.status() == DCC_ERROR_INVALID_ARGUMENT);
    }
    EXPECT(what.find("capacity") != std::string::npos && what.find("131072") != std::string::npos);
}

} // namespace

int main()
{
    dcc::set_callback_exception_handler(tell);
    what_a_job_throws_is_how_it_ends();
    a_text_that_the_library_does_not_take_fails_the_job_all_the_same();
    what_a_completion_throws_is_told_and_stops_nothing();
    what_a_hosts_function_throws_is_told_and_means_no();
    a_callable_that_cannot_be_copied_in_is_not_posted();
    what_cannot_be_created_is_thrown();
    return 0;
}

#else

int main() { return 0; }

#endif
