// Shares of a job's progress bar: which share a call counts in, on which thread, and what the bar shows. Also
// compiled without exceptions.

#include "dcc_cancel.hpp"
#include "expect.hpp"

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace {

// A bar shows its end only when its job ends. A share that has counted all of its units, and has not ended,
// leaves a little to rise into.
constexpr double FULL = 1.0 - 1.0 / 1024;

dcc::job running()
{
    dcc::job job = dcc::job::create({"job"});
    job.begin();
    return job;
}

double fraction(const dcc::job &job) { return job.progress().fraction; }

// A helper whose author does not know that it becomes a part of something larger.
void old_helper(const char *name, unsigned items)
{
    const dcc::job job = dcc::job::current();
    for (unsigned i = 1; i <= items; ++i)
        EXPECT(job.set_progress(i, items, std::string(name) + " " + std::to_string(i)));
}

void library(std::uint64_t units)
{
    dcc::progress p(units, "library");
    for (std::uint64_t i = 0; i < units; ++i)
        EXPECT(!p.advance());
}

void steps_are_filled_by_who_knows_nothing_of_them()
{
    const dcc::job job = running();
    const dcc::job_scope current(job);
    {
        dcc::progress p(100, "Export");
        {
            auto step = p.step(25, "Collect");
            old_helper("item", 1000);
            EXPECT(fraction(job) == 0.25 * FULL);
            EXPECT(job.progress_message() == "Export > Collect > item 1000");
        }
        EXPECT(dcc_progress_current() == nullptr);
        {
            auto step = p.step(50, "Write");
            library(40);
            EXPECT(fraction(job) == 0.25 + 0.5 * FULL);
            // The step's end removes what this leaves current on top of it.
            dcc_ticket left = 0;
            EXPECT(dcc_progress_set_current(p.get(), &left) == DCC_OK);
        }
        EXPECT(dcc_progress_current() == nullptr);
        EXPECT(!p.advance(10));
        EXPECT(!p.flush());
        EXPECT(fraction(job) == 0.85);
        p.set_total(130);
        EXPECT(p.set_message("closing"));
        EXPECT(job.progress_message() == "Export > closing");
        EXPECT(!p.advance(15));
    }
    EXPECT(fraction(job) == FULL);
    EXPECT(job.complete());
    EXPECT(fraction(job) == 1.0);
    EXPECT(job.progress().time_left == std::chrono::nanoseconds(0));
}

void threads_lose_no_count()
{
    const dcc::job job = running();
    const dcc::job_scope current(job);
    constexpr std::uint64_t threads = 8, units = 100000;
    dcc::progress p(2 * threads * units);
    std::vector<std::thread> workers;
    for (std::uint64_t i = 0; i < threads; ++i) {
        workers.emplace_back([&p] {
            dcc::progress_counter count(p);
            for (std::uint64_t unit = 0; unit < units; ++unit)
                EXPECT(!count.advance());
        });
    }
    double before = 0;
    for (std::thread &worker : workers) {
        worker.join();
        const double now = fraction(job);
        EXPECT(now >= before);
        before = now;
    }
    EXPECT(before == 0.5);
}

// A library that gets a callback and calls it on a thread of its own.
void denoise(dcc::library_call &call, double portion)
{
    std::thread([&call, portion] {
        call.set_progress(portion);
        EXPECT(!call.should_stop());
    }).join();
}

void libraries_that_are_handed_a_callback_fill_a_share_each()
{
    const dcc::job job = running();
    const dcc::job_scope current(job);
    {
        dcc::progress p(100, "Two builds");
        {
            const auto step = p.step(25, "First");
            dcc::library_call call;
            call.set_stage("pass 1");
            EXPECT(job.progress_message() == "Two builds > First > pass 1");
            denoise(call, 0.5);
            EXPECT(fraction(job) == 0.125);
            denoise(call, 0.25); // a slower thread
            EXPECT(fraction(job) == 0.125);
        }
        EXPECT(fraction(job) == 0.25);
        const auto step = p.step(50, "Second");
        dcc::library_call call;
        call.set_progress(50'000'000, 100'000'000);
        EXPECT(fraction(job) == 0.5);
        call.end_progress();
        EXPECT(fraction(job) == 0.25 + 0.5 * FULL);
    }
    // Without steps the first call fills the job, and all later ones continue from there.
    const dcc::job other = running();
    double before = 0;
    dcc::library_call again(other);
    for (int build = 0; build < 5; ++build) {
        again.begin();
        again.set_stage("build"); // tells nothing of how far it is
        again.begin();
        for (double portion = 0.25; portion <= 1; portion += 0.25) {
            denoise(again, portion);
            EXPECT(before < fraction(other) && fraction(other) < 1);
            before = fraction(other);
        }
        EXPECT(build > 0 || before == FULL);
    }
    // A call that polls a token reports no progress.
    dcc::library_call of_token(dcc::token::create());
    of_token.set_progress(0.5);
    EXPECT(fraction(other) == before);
}

void a_worker_with_the_context_fills_the_step()
{
    const dcc::job job = running();
    const dcc::job_scope current(job);
    dcc::progress p(4);
    auto step = p.step(1);
    std::thread(dcc::with_context([] { library(7); })).join();
    EXPECT(fraction(job) == 0.25 * FULL);
}

void a_cancel_stops_and_shows_what_was_counted()
{
    const dcc::job job = running();
    const dcc::job_scope current(job);
    dcc::progress p(100);
    EXPECT(!p.advance(20));
    EXPECT(job.cancel());
    EXPECT(p.advance(5));
    EXPECT(fraction(job) == 0.25);
    // A poll outside the call gets the same answer.
    EXPECT(dcc::is_cancelled());
}

void without_a_job_it_is_nothing()
{
    dcc::progress p(100, "nothing");
    EXPECT(p.get() == nullptr && p.status() == DCC_OK);
    auto step = p.step(5);
    EXPECT(step.get() == nullptr);
    EXPECT(!p.advance() && !p.flush());
    // A part without a job does not take what is current, either.
    const dcc::job job = running();
    const dcc::job_scope current(job);
    const dcc::progress_step other(p, 5);
    EXPECT(other.get() == nullptr);
    library(3);
    EXPECT(fraction(job) == FULL);
}

} // namespace

int main()
{
    steps_are_filled_by_who_knows_nothing_of_them();
    threads_lose_no_count();
    libraries_that_are_handed_a_callback_fill_a_share_each();
    a_worker_with_the_context_fills_the_step();
    a_cancel_stops_and_shows_what_was_counted();
    without_a_job_it_is_nothing();
    return 0;
}
