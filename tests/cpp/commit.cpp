// The point of no return: committed work is done, and both sides get the same answer. Also compiled without
// exceptions and RTTI.

#include "dcc_cancel.hpp"
#include "expect.hpp"

#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace {

using state = dcc::job_state;

dcc::job running(const dcc::token &parent = {})
{
    dcc::job_options options;
    options.parent = parent;
    const dcc::job job = dcc::job::create(options);
    EXPECT(job.begin());
    return job;
}

void what_is_committed_is_not_cancelled()
{
    const dcc::token parent = dcc::token::create();
    const dcc::job job = running(parent);
    const dcc::job_scope current(job);
    const dcc::token_scope also(parent);
    bool done = false;
    EXPECT(!job.is_sealed());
    const dcc_status committed = job.try_commit([&] {
        EXPECT(job.is_sealed() && !dcc::job::current() && !dcc::token::current());
        EXPECT(!job.cancel("too late") && parent.cancel("too late, too"));
        EXPECT(!dcc::is_cancelled() && !dcc::poller()());
        done = true;
    });
    EXPECT(committed == DCC_OK && done);
    EXPECT(dcc::job::current() == job && dcc::token::current() == parent);
    EXPECT(!job.is_cancelled() && !job.token().is_cancelled() && !dcc::is_cancelled());
    // A sealed job may seal and commit again.
    EXPECT(job.seal() && job.try_commit([] {}) == DCC_OK);
    EXPECT(job.complete() && job.state() == state::completed && job.is_sealed());
}

void after_a_cancel_nothing_is_committed()
{
    const dcc::job job = running();
    EXPECT(job.cancel("first"));
    EXPECT(job.try_commit([] { EXPECT(false && "it must not run"); }) == DCC_CANCELLED_BY_JOB);
    EXPECT(!job.seal() && !job.is_sealed());
    EXPECT(job.acknowledge_cancel() && job.state() == state::cancelled);
    const dcc::token parent = dcc::token::create();
    const dcc::job below = running(parent);
    EXPECT(parent.cancel() && below.try_seal() == DCC_CANCELLED_BY_JOB);
}

void no_job_commits_and_one_that_does_not_run_does_not()
{
    bool done = false;
    EXPECT(dcc::job().try_commit([&] { done = true; }) == DCC_OK && done && !dcc::job().is_sealed());
    const auto refuses = [](const dcc::job &job, dcc_status why) {
        EXPECT(job.try_commit([] { EXPECT(false && "it must not run"); }) == why && !job.seal());
    };
    const dcc::job pending = dcc::job::create();
    refuses(pending, DCC_ERROR_WRONG_STATE);
    pending.begin();
    pending.complete();
    refuses(pending, DCC_ALREADY_ENDED);
}

// The peer gets the result of committed work, although it has cancelled meanwhile.
void a_request_is_answered_with_what_its_job_has_committed()
{
    const dcc::session peer = dcc::session::create();
    const dcc::request request = peer.begin(1);
    const dcc::job job = running(request.token());
    EXPECT(job.try_commit([&] { EXPECT(request.try_cancel() == DCC_SEALED); }) == DCC_OK);
    EXPECT(job.complete() && request.end() == dcc::owed::result);
}

// The request's job leaves the edit to a job that it posts, and ends.
void what_a_job_has_posted_commits_for_its_request()
{
    dcc::session peer = dcc::session::create();
    dcc::dispatcher queue = dcc::dispatcher::create();
    const dcc::request request = peer.begin(1);
    dcc::job apply;
    {
        const dcc::token_scope current(request.token());
        queue.post("Plan", [&] {
            apply = queue.post(
                "Apply", [](const dcc::job &edit) { EXPECT(edit.try_commit([] {}) == DCC_OK); });
        });
    }
    queue.pump_all();
    EXPECT(apply.state() == state::completed && apply.is_sealed());
    request.cancel();
    EXPECT(request.end() == dcc::owed::result);
}

void a_request_without_a_job_is_sealed_by_itself()
{
    const dcc::session peer = dcc::session::create();
    const dcc::request request = peer.begin(1);
    EXPECT(request.seal() && request.try_seal() == DCC_OK);
    EXPECT(!request.cancel("too late") && !request.is_cancelled());
    EXPECT(request.end() == dcc::owed::result && request.try_seal() == DCC_ALREADY_ENDED);
    const dcc::request cancelled = peer.begin(2);
    EXPECT(cancelled.cancel() && !cancelled.seal() && cancelled.try_seal() == DCC_CANCELLED_BY_TOKEN);
    EXPECT(cancelled.end() != dcc::owed::result);
}

void the_hosts_check_is_asked_a_last_time()
{
    int asked = 0;
    bool pressed = false;
    dcc::job_options options;
    options.is_cancelled = [&] { return ++asked, pressed; };
    const dcc::job committed = dcc::job::create(options);
    committed.begin();
    EXPECT(committed.seal() && asked == 1);
    pressed = true;
    EXPECT(!committed.is_cancelled() && asked == 1);
    const dcc::job stopped = dcc::job::create(options);
    stopped.begin();
    EXPECT(!stopped.seal() && asked == 2 && stopped.token().cause() == dcc::cause::foreign);
}

// The cancel and the commit come at any moment; in either order both sides know the outcome.
void a_cancel_and_a_commit_agree()
{
    constexpr int rounds = 2'000;
    std::vector<dcc::job> jobs;
    for (int round = 0; round < rounds; ++round)
        jobs.push_back(running());
    std::vector<int> cancelled(rounds);
    std::thread canceller([&] {
        for (std::size_t round = 0; round < rounds; ++round)
            cancelled[round] = jobs[round].cancel() ? 1 : 0;
    });
    for (std::size_t round = rounds; round-- > 0;) {
        int committed = 0;
        const dcc_status status = jobs[round].try_commit([&] { committed = 1; });
        EXPECT((status == DCC_OK) == (committed == 1));
        EXPECT((committed == 1 ? jobs[round].complete() : jobs[round].acknowledge_cancel()));
        EXPECT(jobs[round].state() == (committed == 1 ? state::completed : state::cancelled));
        EXPECT(jobs[round].is_sealed() == (committed == 1));
    }
    canceller.join();
    for (std::size_t round = 0; round < rounds; ++round)
        EXPECT((cancelled[round] == 0) == (jobs[round].state() == state::completed));
}

void a_run_that_was_told_ends_as_it_was_told()
{
    const auto ends = [](bool cancel_first, auto work) {
        const dcc::job job = dcc::job::create();
        return dcc::run(job, [&] {
            if (cancel_first)
                std::thread([&job] { job.cancel(); }).join();
            return work(job);
        });
    };
    const auto commits = [](const dcc::job &job) { return job.try_commit([] {}) == DCC_OK; };
    EXPECT(ends(false, commits) == state::completed && ends(true, commits) == state::cancelled);
    const auto gives_up = [](const dcc::job &job) { return job.try_commit([] {}) != DCC_OK; };
    EXPECT(ends(false, gives_up) == state::failed);
}

#if DCC_CANCEL_EXCEPTIONS

void it_gives_what_the_function_gives()
{
    const dcc::job job = running();
    int number = 7;
    EXPECT(job.commit([] { return std::string("saved"); }) == "saved");
    auto same = [&]() -> int & { return number; };
    auto nothing = [] {};
    static_assert(std::is_same_v<decltype(job.commit(same)), int &>);
    static_assert(std::is_void_v<decltype(job.commit(nothing))>);
    EXPECT(&job.commit(same) == &number);
}

template <class Thrown> Thrown thrown_by(const dcc::job &job)
{
    try {
        job.commit([] { EXPECT(false && "it must not run"); });
    } catch (const Thrown &thrown) {
        return thrown;
    }
    EXPECT(false && "nothing was thrown");
    std::abort();
}

void a_cancel_that_was_first_is_thrown()
{
    const dcc::job job = dcc::job::create();
    const state end = dcc::run(job, [&] {
        job.cancel("wrong settings");
        const auto thrown = thrown_by<dcc::cancelled_error>(job);
        EXPECT(thrown.status() == DCC_CANCELLED_BY_JOB && thrown.token() == job.token());
        EXPECT(thrown.reason() == "wrong settings" && thrown.cause() == dcc::cause::request);
        EXPECT(std::string(thrown.what()) == "Job cancelled by dispatcher: wrong settings");
        job.commit([] {});
    });
    EXPECT(end == state::cancelled && job.failure().empty());
    EXPECT(thrown_by<dcc::cancelled_error>(job).reason() == "wrong settings");
}

void who_does_not_run_is_told_so()
{
    const dcc::job pending = dcc::job::create();
    EXPECT(thrown_by<dcc::error>(pending).status() == DCC_ERROR_WRONG_STATE);
    pending.begin();
    pending.interrupt("the host goes");
    const dcc::error ended = thrown_by<dcc::error>(pending);
    EXPECT(ended.status() == DCC_ALREADY_ENDED);
    const dcc::job cancelled = dcc::job::create();
    cancelled.cancel("not wanted any more");
    EXPECT(thrown_by<dcc::cancelled_error>(cancelled).reason() == "not wanted any more");
    EXPECT(std::string(ended.what()).find("job::commit") != std::string::npos);
}

void what_is_thrown_inside_fails_the_job()
{
    const dcc::job job = dcc::job::create();
    const state end = dcc::run(job, [&] {
        job.commit([&] {
            EXPECT(!job.cancel());
            throw std::runtime_error("the disk is full");
        });
    });
    EXPECT(end == state::failed && job.failure() == "the disk is full");
    // It is also too late if the code reports a cancel.
    const dcc::job stopped = dcc::job::create();
    EXPECT(dcc::run(stopped, [&] { stopped.commit([] { throw dcc::cancelled_error(); }); }) == state::failed);
}

void a_check_that_throws_fails_the_job()
{
    dcc::job_options options;
    options.is_cancelled = []() -> bool { throw std::runtime_error("no window"); };
    const dcc::job job = dcc::job::create(options);
    dcc::run(job, [&] { EXPECT(thrown_by<dcc::cancelled_error>(job).status() == DCC_CANCELLED_BY_JOB); });
    EXPECT(job.state() == state::failed && job.failure() == "no window");
}

// Other threads ask the check while another job is current.
void a_check_that_throws_fails_no_other_job()
{
    dcc::job_options options;
    options.is_cancelled = []() -> bool { throw std::runtime_error("no window"); };
    options.is_detached = true;
    const dcc::job other = dcc::job::create();
    other.begin();
    const dcc::job_scope current(other);
    const dcc::job job = dcc::job::create(options);
    job.begin();
    EXPECT(job.is_cancelled() && job.state() == state::failed && job.failure() == "no window");
    EXPECT(other.state() == state::running);
    // Work for the job on this thread stops with it.
    options.is_detached = false;
    const dcc::job outer = dcc::job::create(options);
    dcc::run(outer, [] {
        const dcc::job inner = dcc::job::create();
        EXPECT(dcc::run(inner, [] { return !dcc::is_cancelled(); }) == state::cancelled);
    });
    EXPECT(outer.state() == state::failed && outer.failure() == "no window");
}

void a_posted_job_commits_in_its_last_slice()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    int slices = 0;
    const dcc::job job = queue.post("", [&](const dcc::job &posted) {
        if (++slices < 3)
            return dcc::step::again;
        dcc::job::current().commit([&] { EXPECT(!posted.cancel()); });
        return dcc::step::done;
    });
    while (job.state() == state::pending || job.state() == state::running)
        queue.pump_all();
    EXPECT(job.state() == state::completed && slices == 3);
}

#endif

} // namespace

int main()
{
    what_is_committed_is_not_cancelled();
    after_a_cancel_nothing_is_committed();
    no_job_commits_and_one_that_does_not_run_does_not();
    a_request_is_answered_with_what_its_job_has_committed();
    what_a_job_has_posted_commits_for_its_request();
    a_request_without_a_job_is_sealed_by_itself();
    the_hosts_check_is_asked_a_last_time();
    a_cancel_and_a_commit_agree();
    a_run_that_was_told_ends_as_it_was_told();
#if DCC_CANCEL_EXCEPTIONS
    it_gives_what_the_function_gives();
    a_cancel_that_was_first_is_thrown();
    who_does_not_run_is_told_so();
    what_is_thrown_inside_fails_the_job();
    a_check_that_throws_fails_the_job();
    a_check_that_throws_fails_no_other_job();
    a_posted_job_commits_in_its_last_slice();
#endif
    return 0;
}
