// The C++ wrapper: lifetimes, scopes, polls, jobs, and exceptions that do not cross the C boundary. Also
// compiled without exceptions and RTTI; the throwing half is then left out.

#include "dcc_cancel.hpp"
#include "expect.hpp"

#include <atomic>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

dcc_stats stats()
{
    dcc_stats now = {};
    now.struct_size = sizeof now;
    EXPECT(dcc_stats_read(&now) == DCC_OK);
    return now;
}

void copies_are_the_same_token_and_the_last_one_ends_it()
{
    dcc::token token = dcc::token::create();
    {
        dcc::token copy = token;
        EXPECT(copy == token);
        dcc::token moved = std::move(copy);
        EXPECT(!copy && moved == token);
        copy = moved;
        const dcc::token &itself = moved;
        moved = itself;
        EXPECT(copy == token && moved == token);
        EXPECT(copy.cancel("because"));
    }
    EXPECT(token.is_cancelled() && !token.cancel("again"));
    EXPECT(token.reason() == "because" && token.cause() == dcc::cause::request);
    EXPECT(token.time_since_cancelled().count() > 0);
    EXPECT(stats().live_tokens == 1);
    token.reset();
    EXPECT(stats().live_tokens == 0);
    EXPECT(!token.is_cancelled() && !token && token.reason().empty());
}

void long_texts_come_out_whole()
{
    const std::string reason(4000, 'x');
    dcc::token token = dcc::token::create();
    EXPECT(token.cancel(reason));
    EXPECT(token.reason() == reason);
}

void children_follow_any_parent()
{
    dcc::token first = dcc::token::create();
    dcc::token second = dcc::token::create();
    dcc::token child = dcc::token::create({first, dcc::token(), second}, "request-7");
    EXPECT(child.caller_id() == "request-7");
    second.cancel("the second");
    EXPECT(child.is_cancelled() && child.reason() == "the second" && !first.is_cancelled());
}

void scopes_restore_even_what_others_left()
{
    dcc::token outer = dcc::token::create();
    dcc::token inner = dcc::token::create();
    dcc::token_scope scope(outer);
    EXPECT(scope.status() == DCC_OK);
    {
        dcc::token_scope nested(inner);
        EXPECT(dcc::token::current() == inner);
        dcc_ticket forgotten = 0;
        dcc_cancel_token_set_current(nullptr, &forgotten);
        EXPECT(!dcc::token::current());
    }
    EXPECT(dcc::token::current() == outer);
    EXPECT(stats().context_leaks == 1);
}

void a_job_runs_and_is_found()
{
    dcc::job job = dcc::job::create({"Smooth mesh", "node-12"});
    EXPECT(job.label() == "Smooth mesh" && job.caller_id() == "node-12");
    EXPECT(job.state() == dcc::job_state::pending && dcc::job::find(job.id()) == job);
    const dcc::job_state end = dcc::run(job, [&job] {
        EXPECT(dcc::job::current() == job);
        EXPECT(job.set_progress(1, 2, "half") && job.set_progress(2, 2));
    });
    EXPECT(end == dcc::job_state::completed && !dcc::job::current());
    EXPECT(job.progress().done == 2 && job.progress_message() == "half");
    EXPECT(!job.cancel("too late") && job.state() == dcc::job_state::completed);
}

void a_job_that_answers_false_was_cancelled()
{
    dcc::job job = dcc::job::create();
    const dcc::job_state end = dcc::run(job, [&job] {
        dcc::poller cancelled;
        EXPECT(!cancelled());
        job.cancel("stop");
        EXPECT(cancelled.status() == DCC_CANCELLED_BY_JOB);
        return !cancelled();
    });
    EXPECT(end == dcc::job_state::cancelled);
}

void a_job_cancelled_before_is_not_run()
{
    dcc::job job = dcc::job::create();
    job.cancel();
    EXPECT(dcc::run(job, [] { EXPECT(false); }) == dcc::job_state::cancelled);
}

void a_hosts_own_check_cancels_and_is_kept_as_long_as_the_job()
{
    auto escape = std::make_shared<bool>(false);
    std::weak_ptr<bool> watched = escape;
    {
        dcc::job_options options;
        options.is_cancelled = [escape] { return *escape; };
        options.keep_alive = escape;
        dcc::job job = dcc::job::create(options);
        dcc::job_scope current(job);
        EXPECT(!dcc::is_cancelled());
        *escape = true;
        escape.reset();
        options = dcc::job_options();
        EXPECT(!watched.expired());
        EXPECT(dcc::is_cancelled() && job.token().cause() == dcc::cause::foreign);
    }
    EXPECT(watched.expired());
}

void a_context_carries_to_a_worker()
{
    dcc::job job = dcc::job::create();
    dcc::token token = dcc::token::create();
    dcc::job_scope job_scope(job);
    dcc::token_scope token_scope(token);
    dcc::context context = dcc::context::capture();
    std::atomic<bool> stopped{false};
    std::thread worker([context, &job, &stopped] {
        EXPECT(!dcc::job::current());
        dcc::context_scope entered(context);
        EXPECT(dcc::job::current() == job);
        dcc::poller cancelled;
        while (!cancelled())
            std::this_thread::yield();
        stopped = true;
    });
    token.cancel();
    worker.join();
    EXPECT(stopped);
}

void a_token_poller_polls_one_token()
{
    dcc::token token = dcc::token::create();
    dcc::token_poller cancelled(token);
    EXPECT(!cancelled());
    token.cancel();
    EXPECT(cancelled.status() == DCC_CANCELLED_BY_TOKEN);
    token.reset();
    EXPECT(cancelled.status() == DCC_POLL_GONE);
}

void the_live_jobs_come_page_by_page()
{
    std::vector<dcc::job> jobs;
    for (int number = 0; number < 100; ++number)
        jobs.push_back(dcc::job::create({"one of many"}));
    jobs.push_back(dcc::job::create({std::string(4000, '\x01')}));
    std::string all;
    std::uint64_t next = 0;
    int pages = 0;
    do {
        const dcc::jobs_page page = dcc::live_jobs(next);
        EXPECT(page.status == DCC_OK && page.json.front() == '{' && page.json.back() == '}');
        all += page.json;
        next = page.next;
        ++pages;
    } while (next != 0);
    EXPECT(pages >= 2);
    for (const dcc::job &job : jobs)
        EXPECT(all.find("\"id\":" + std::to_string(job.id()) + ",") != std::string::npos);
}

#if DCC_CANCEL_EXCEPTIONS

template <class Thrown, class Function> void expect_throw(Function function, const char *text)
{
    bool thrown = false;
    try {
        function();
    } catch (const Thrown &exception) {
        thrown = true;
        if (std::strstr(exception.what(), text) == nullptr) {
            std::fprintf(stderr, "what() is \"%s\", expected \"%s\"\n", exception.what(), text);
            std::exit(1);
        }
    }
    EXPECT(thrown);
}

void the_throwing_half_throws()
{
    dcc::token token = dcc::token::create();
    dcc::job job = dcc::job::create();
    dcc::token_scope token_scope(token);
    dcc::job_scope job_scope(job);
    dcc::poller poll;
    dcc::throw_if_cancelled();
    poll.throw_if_cancelled();
    job.cancel();
    expect_throw<dcc::cancelled_error>([] { dcc::throw_if_cancelled(); },
                                       "Job cancelled by dispatcher");
    token.cancel();
    expect_throw<dcc::cancelled_error>([&] { poll.throw_if_cancelled(); },
                                       "Request cancelled by client");
    expect_throw<dcc::cancelled_error>([&] { token.throw_if_cancelled(); },
                                       "Request cancelled by client");
    expect_throw<dcc::error>([] { dcc::token::create({}, std::string(200, 'x')); }, "200 bytes");
    dcc::token stale = token;
    dcc_cancel_token *raw = dcc::token::create().detach();
    dcc_cancel_token_release(raw);
    expect_throw<dcc::error>([raw] { dcc::token::create({dcc::token::adopt(raw)}); }, "not a live token");
}

void an_exception_in_a_job_is_how_it_ends()
{
    dcc::job failing = dcc::job::create();
    EXPECT(dcc::run(failing, [] { throw std::runtime_error("no memory for 7 meshes"); }) ==
           dcc::job_state::failed);
    EXPECT(failing.failure() == "no memory for 7 meshes");

    dcc::job strange = dcc::job::create();
    EXPECT(dcc::run(strange, [] { throw 7; }) == dcc::job_state::failed);

    dcc::job stopping = dcc::job::create();
    EXPECT(dcc::run(stopping, [&stopping] {
               stopping.cancel();
               dcc::throw_if_cancelled();
               EXPECT(false);
           }) == dcc::job_state::cancelled);
}

void a_check_that_throws_fails_its_job()
{
    dcc::job_options options;
    options.is_cancelled = []() -> bool { throw std::runtime_error("the window is gone"); };
    dcc::job job = dcc::job::create(options);
    job.begin();
    dcc::job_scope current(job);
    EXPECT(dcc::is_cancelled());
    EXPECT(job.state() == dcc::job_state::failed && job.failure() == "the window is gone");
}

#endif

} // namespace

int main()
{
    copies_are_the_same_token_and_the_last_one_ends_it();
    long_texts_come_out_whole();
    children_follow_any_parent();
    scopes_restore_even_what_others_left();
    a_job_runs_and_is_found();
    a_job_that_answers_false_was_cancelled();
    a_job_cancelled_before_is_not_run();
    a_hosts_own_check_cancels_and_is_kept_as_long_as_the_job();
    a_context_carries_to_a_worker();
    a_token_poller_polls_one_token();
    the_live_jobs_come_page_by_page();
#if DCC_CANCEL_EXCEPTIONS
    the_throwing_half_throws();
    an_exception_in_a_job_is_how_it_ends();
    a_check_that_throws_fails_its_job();
#endif
    const dcc_stats left = stats();
    EXPECT(left.live_tokens == 0 && left.live_jobs == 0 && left.live_contexts == 0);
    return 0;
}
