// How a job ends by what its code answers and throws. Also compiled without exceptions.

#include "dcc_cancel.hpp"
#include "expect.hpp"

#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

using state = dcc::job_state;

// How a piece of work ends, run here and posted, and with which text.
struct ended {
    state how;
    std::string text;

    bool is(state expected, std::string_view words) const { return how == expected && text == words; }
};

using work = std::function<bool(const dcc::job &)>;

ended run_here(const work &does)
{
    const dcc::job job = dcc::job::create();
    const state how = dcc::run(job, [&] { return does(job); });
    return {how, job.failure()};
}

ended posted(const work &does, bool any_thread)
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    dcc::post_options options;
    options.any_thread = any_thread;
    const dcc::job job = queue.post("", does, options);
    while (job.state() == state::pending || job.state() == state::running)
        queue.pump_all();
    queue.pump_all();
    return {job.state(), job.failure()};
}

void each_way(const work &does, state how, std::string_view text)
{
    EXPECT(run_here(does).is(how, text));
    EXPECT(posted(does, false).is(how, text));
    EXPECT(posted(does, true).is(how, text));
}

void false_is_cancelled_only_where_something_has_asked()
{
    const char *why = "it answered false";
    each_way([](const dcc::job &) { return false; }, state::failed, why);
    each_way([](const dcc::job &) { return true; }, state::completed, "");
    each_way([](const dcc::job &job) { return !job.cancel(); }, state::cancelled, "");
    each_way(
        [](const dcc::job &) {
            const dcc::token token = dcc::token::create();
            const dcc::token_scope current(token);
            token.cancel();
            return !dcc::is_cancelled(); // as long as the token is current
        },
        state::cancelled, why);
    const dcc::token token = dcc::token::create();
    token.cancel();
    const dcc::token_scope current(token);
    EXPECT(run_here([](const dcc::job &) { return false; }).is(state::cancelled, ""));
}

// As a library does: it asks, and gives up when it is told to.
bool filter(int (*ask)(void *), void *asked) { return ask(asked) == 0; }

void a_librarys_call_says_how_it_ended_and_why()
{
    const dcc::job job = dcc::job::create();
    job.begin();
    dcc::library_call call(job);
    EXPECT(filter(dcc::library_call::ask, &call) && call.why() == DCC_OK);
    EXPECT(call.ended(true) == state::completed && call.ended(false) == state::failed);
    EXPECT(call.ended(false, true) == state::cancelled);
    call.set_progress(0.5);
    call.set_stage("second pass");
    EXPECT(job.progress().done == 500 && job.progress_message() == "second pass");
    job.cancel("esc");
    EXPECT(!filter(dcc::library_call::ask, &call) && call.why() == DCC_CANCELLED_BY_JOB);
    // Some say that all was well all the same.
    EXPECT(call.ended(true) == state::cancelled);
    EXPECT(call.end(false, false, "aborted") == state::cancelled && job.failure() == "aborted");
    const dcc::token token = dcc::token::create();
    dcc::library_call of_token(token);
    token.cancel();
    EXPECT(of_token.should_stop() && of_token.why() == DCC_CANCELLED_BY_TOKEN);
    of_token.begin();
    EXPECT(!of_token.was_stopped() && of_token.end(true) == state::completed);
}

void it_ends_its_job()
{
    const auto ends = [](bool succeeded, bool was_aborted) {
        const dcc::job job = dcc::job::create();
        job.begin();
        dcc::library_call call(job);
        EXPECT(call.end(succeeded, was_aborted, "in its words") == job.state());
        return job;
    };
    EXPECT(ends(true, false).state() == state::completed);
    const dcc::job failed = ends(false, false);
    EXPECT(failed.state() == state::failed && failed.failure() == "in its words");
    const dcc::job aborted = ends(false, true);
    EXPECT(aborted.state() == state::cancelled && aborted.failure() == "in its words");
}

#if DCC_CANCEL_EXCEPTIONS

template <class Question> work throws_after(Question asks)
{
    return [asks](const dcc::job &job) -> bool {
        asks(job);
        throw std::runtime_error("the filter was aborted");
    };
}

void cancel(const dcc::job &job)
{
    // Elsewhere: a thread that cancels itself knows of it.
    std::thread([&job] { job.cancel(); }).join();
}

void what_is_thrown_after_a_poll_has_said_stop_is_no_failure()
{
    const char *text = "the filter was aborted";
    const auto ends = [text](auto asks, state how) { each_way(throws_after(asks), how, text); };
    ends([](const dcc::job &) {}, state::failed);
    ends([](const dcc::job &job) { cancel(job); }, state::failed);
    ends([](const dcc::job &) { EXPECT(!dcc::is_cancelled() && !dcc::poller()()); }, state::failed);
    ends([](const dcc::job &job) { EXPECT((cancel(job), dcc::poller()())); }, state::cancelled);
    ends([](const dcc::job &job) { EXPECT((cancel(job), dcc::is_cancelled())); }, state::cancelled);
    ends([](const dcc::job &job) { EXPECT((cancel(job), job.is_cancelled())); }, state::cancelled);
    ends([](const dcc::job &job) { EXPECT((cancel(job), job.token().is_cancelled())); }, state::cancelled);
    ends([](const dcc::job &job) { EXPECT((cancel(job), !job.set_progress(1, 2))); }, state::cancelled);
    ends([](const dcc::job &job) { EXPECT((cancel(job), job.token().wait())); }, state::cancelled);
    ends([](const dcc::job &job) { EXPECT((cancel(job), dcc::wait_any({job.token()}))); }, state::cancelled);
    ends([](const dcc::job &job) { EXPECT(job.cancel()); }, state::cancelled);
    ends([](const dcc::job &job) { EXPECT(job.token().cancel()); }, state::cancelled);
    // As a peer, or a server in its name, does it.
    ends(
        [](const dcc::job &job) {
            const dcc::session peer = dcc::session::create();
            const dcc::request request = peer.begin(1);
            const dcc::token_scope current(request.token());
            EXPECT(request.cancel() && !job.is_cancelled());
        },
        state::cancelled);
    // By a token that is current inside.
    ends(
        [](const dcc::job &) {
            const dcc::token token = dcc::token::create();
            const dcc::token_scope current(token);
            std::thread([&token] { token.cancel(); }).join();
            EXPECT(dcc::poller()());
        },
        state::cancelled);
    // On a thread that carries the context, and on one that does not.
    ends(
        [](const dcc::job &job) {
            cancel(job);
            std::thread(dcc::with_context([] { EXPECT(dcc::poller()()); })).join();
        },
        state::cancelled);
    ends(
        [](const dcc::job &job) {
            cancel(job);
            std::thread([&job] { EXPECT(job.is_cancelled()); }).join();
        },
        state::failed);
}

void a_poll_for_another_job_says_nothing()
{
    const dcc::job earlier = dcc::job::create();
    earlier.cancel();
    const dcc::job_scope current(earlier);
    EXPECT(dcc::is_cancelled());
    const ended later = run_here(throws_after([](const dcc::job &) {}));
    EXPECT(later.is(state::failed, "the filter was aborted"));
}

void what_is_no_exception_class_ends_likewise()
{
    const work throws = [](const dcc::job &job) -> bool {
        job.cancel();
        throw 7;
    };
    each_way(throws, state::cancelled, "threw what is no std::exception");
    // A text that the library does not take is cut and kept.
    const work strange = [](const dcc::job &job) -> bool {
        job.cancel();
        throw std::runtime_error("abgebrochen f\xfcr immer");
    };
    each_way(strange, state::cancelled, "abgebrochen f?r immer");
}

template <class Job> std::string refused(const Job &job)
{
    try {
        dcc::run(job, [] { EXPECT(false && "it must not run"); });
    } catch (const dcc::error &thrown) {
        return thrown.what();
    }
    return "nothing was thrown";
}

void a_job_is_run_once()
{
    const dcc::job job = dcc::job::create();
    EXPECT(dcc::run(job, [] {}) == state::completed);
    EXPECT(refused(job).find("completed") != std::string::npos);
    const dcc::job running = dcc::job::create();
    dcc::run(running, [&running] { EXPECT(refused(running).find("running") != std::string::npos); });
    EXPECT(refused(dcc::job()).find("empty") != std::string::npos);
    const dcc::job cancelled = dcc::job::create();
    cancelled.cancel();
    EXPECT(dcc::run(cancelled, [] { EXPECT(false); }) == state::cancelled);
    EXPECT(refused(cancelled).find("cancelled") != std::string::npos);
}

#else

void a_job_is_run_once()
{
    const dcc::job job = dcc::job::create();
    EXPECT(dcc::run(job, [] {}) == state::completed);
    EXPECT(dcc::run(job, [] { EXPECT(false); }) == state::none);
    EXPECT(dcc::run(dcc::job(), [] { EXPECT(false); }) == state::none);
}

#endif

} // namespace

int main()
{
    false_is_cancelled_only_where_something_has_asked();
    a_job_is_run_once();
    a_librarys_call_says_how_it_ended_and_why();
    it_ends_its_job();
#if DCC_CANCEL_EXCEPTIONS
    what_is_thrown_after_a_poll_has_said_stop_is_no_failure();
    a_poll_for_another_job_says_nothing();
    what_is_no_exception_class_ends_likewise();
#endif
    return 0;
}
