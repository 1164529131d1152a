// How a job ends, depending on the answers and exceptions of its code. Also compiled without exceptions.

#include "dcc_cancel.hpp"
#include "expect.hpp"

#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

using state = dcc::job_state;

// The end of a piece of work and its text, after it was run here and after it was posted.
struct ended {
    state how;
    std::string text;

    bool is(state expected, std::string_view words) const { return how == expected && text == words; }
};

using work = std::function<bool(const dcc::job &)>;

ended run_here(const work &does)
{
    dcc::job_options alone;
    alone.is_detached = true;
    const dcc::job job = dcc::job::create(alone);
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

// Works like a library: it asks, and gives up when the answer says so.
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
    EXPECT(job.progress().fraction == 0.5 && job.progress_message() == "second pass");
    job.cancel("esc");
    EXPECT(!filter(dcc::library_call::ask, &call) && call.why() == DCC_CANCELLED_BY_JOB);
    // Some libraries still report success.
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

void it_does_not_end_the_job_of_a_part()
{
    const dcc::job job = dcc::job::create();
    job.begin();
    const dcc::job_scope current(job);
    const dcc::token part = dcc::token::create_below_current();
    const dcc::token_scope inside(part);
    dcc::library_call call;
    part.cancel("this image is not wanted any more");
    EXPECT(call.should_stop() && call.end(false, true, "aborted") == state::running);
    dcc::library_call by_name(job);
    EXPECT(by_name.should_stop() && by_name.end(false, true, "aborted") == state::running);
    job.cancel("esc");
    EXPECT(call.end(false, true, "aborted") == state::cancelled && job.failure() == "aborted");
}

/* A thread stops as a part of the work of its maker's job, and what runs in it as a whole. */
void in_a_stopped_thread_of_a_job_and_of_none(const std::function<void(const dcc::job &)> &does)
{
    const auto in_a_thread = [&does] {
        const dcc::jthread thread([&does] {
            dcc::job_options detached;
            detached.is_detached = true;
            does(dcc::job::create(detached));
        });
    };
    in_a_thread();
    const dcc::job maker = dcc::job::create();
    EXPECT(dcc::run(maker, in_a_thread) == state::completed);
    EXPECT(dcc::run(dcc::job::create(), [&] {
        dcc::scope pieces;
        pieces.spawn(in_a_thread);
        return pieces.join();
    }) == state::completed);
}

void until_stopped()
{
    while (!dcc::is_cancelled())
        std::this_thread::yield();
}

void a_library_ends_the_job_that_is_run_in_a_stopped_thread()
{
    in_a_stopped_thread_of_a_job_and_of_none([](const dcc::job &job) {
        dcc::run(job, [] {
            dcc::library_call call;
            until_stopped();
            EXPECT(call.should_stop() && call.end(false, true, "aborted") == state::cancelled);
        });
        EXPECT(job.state() == state::cancelled && job.failure() == "aborted");
    });
}

#if DCC_CANCEL_EXCEPTIONS

void what_is_run_in_a_stopped_thread_is_told()
{
    in_a_stopped_thread_of_a_job_and_of_none([](const dcc::job &job) {
        dcc::run(job, [] {
            until_stopped();
            throw std::runtime_error("the filter was aborted");
        });
        EXPECT(job.state() == state::cancelled && job.failure() == "the filter was aborted");
    });
}

template <class Question> work throws_after(Question asks)
{
    return [asks](const dcc::job &job) -> bool {
        asks(job);
        throw std::runtime_error("the filter was aborted");
    };
}

void cancel(const dcc::job &job)
{
    // The cancel comes from another thread: a thread that cancels the job itself counts as having seen the
    // cancel.
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
    // The cancel of a peer, or of a server in the peer's name.
    ends(
        [](const dcc::job &job) {
            const dcc::session peer = dcc::session::create();
            const dcc::request request = peer.begin(1);
            const dcc::token_scope current(request.token());
            EXPECT(request.cancel() && !job.is_cancelled());
        },
        state::cancelled);
    // A cancel of a token that is current inside.
    ends(
        [](const dcc::job &) {
            const dcc::token token = dcc::token::create();
            const dcc::token_scope current(token);
            std::thread([&token] { token.cancel(); }).join();
            EXPECT(dcc::poller()());
        },
        state::cancelled);
    // The same on a thread that carries the context, and on one that does not.
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

// Only parts of the job's work were cancelled, and the job was not.
void a_part_that_is_stopped_is_no_cancel_of_the_job()
{
    const auto fails = [](const work &does, const char *text) { each_way(does, state::failed, text); };
    fails(
        [&](const dcc::job &) -> bool {
            dcc::scope pieces;
            pieces.spawn(until_stopped);
            pieces.spawn([] { throw std::runtime_error("disk full"); });
            return pieces.join();
        },
        "disk full");
    // The same two scopes deep: the inner scope's cancel came down from the outer one.
    fails(
        [&](const dcc::job &) -> bool {
            dcc::scope pieces;
            pieces.spawn([&] {
                dcc::scope inner;
                inner.spawn(until_stopped);
                return inner.join();
            });
            pieces.spawn([] { throw std::runtime_error("disk full"); });
            return pieces.join();
        },
        "disk full");
    fails(
        [&](const dcc::job &) -> bool {
            dcc::scope pieces;
            pieces.spawn(until_stopped);
            pieces.spawn([] { return false; });
            return pieces.join();
        },
        "it answered false");
    fails(
        [&](const dcc::job &) -> bool {
            {
                const dcc::jthread reader(until_stopped);
            }
            throw std::runtime_error("disk full");
        },
        "disk full");
    // Here this thread stops a part of its work and polls it.
    fails(
        [&](const dcc::job &) -> bool {
            const dcc::token part = dcc::token::create_below_current();
            const dcc::token_scope current(part);
            part.cancel();
            EXPECT(part.is_cancelled() && dcc::is_cancelled() && part.wait());
            throw std::runtime_error("disk full");
        },
        "disk full");
    fails(
        [](const dcc::job &) -> bool {
            const dcc::job other = dcc::job::create();
            cancel(other);
            EXPECT(other.is_cancelled());
            throw std::runtime_error("disk full");
        },
        "disk full");
    // A token that is not current here, and a time limit of a part.
    fails(
        [](const dcc::job &) -> bool {
            const dcc::token another = dcc::token::create();
            another.cancel();
            EXPECT(another.is_cancelled() && dcc::token_poller(another)() && another.wait());
            throw std::runtime_error("disk full");
        },
        "disk full");
    fails(
        [&](const dcc::job &job) -> bool {
            const dcc::token preview = dcc::token::create({job.token()});
            const dcc::deadline limit(preview, std::chrono::milliseconds(1));
            {
                const dcc::token_scope current(preview);
                until_stopped();
            }
            throw std::runtime_error("disk full");
        },
        "disk full");
    // A part sees a cancel of the job like all other work.
    each_way(
        [&](const dcc::job &job) -> bool {
            dcc::scope pieces;
            pieces.spawn(until_stopped);
            cancel(job);
            EXPECT(!pieces.join());
            throw std::runtime_error("aborted");
        },
        state::cancelled, "aborted");
}

void a_job_inside_tells_the_one_around_it()
{
    const auto ends_within = [](bool is_outer_cancelled) {
        return [is_outer_cancelled](const dcc::job &outer) -> bool {
            const dcc::job inner = dcc::job::create();
            const state how = dcc::run(inner, [&]() -> bool {
                cancel(is_outer_cancelled ? outer : inner);
                EXPECT(dcc::is_cancelled());
                throw std::runtime_error("aborted");
            });
            EXPECT(how == state::cancelled);
            throw std::runtime_error("a step is missing");
        };
    };
    each_way(ends_within(true), state::cancelled, "a step is missing");
    each_way(ends_within(false), state::failed, "a step is missing");
    // The answer of the inner job when it stops does not matter, and neither does its thread.
    const auto stopped_within = [](const std::function<bool()> &stops, bool on_a_thread) {
        return [stops, on_a_thread](const dcc::job &outer) -> bool {
            const auto call = [&] {
                const dcc::job inner = dcc::job::create();
                EXPECT(dcc::run(inner, [&] { return stops(); }) == state::cancelled);
            };
            cancel(outer);
            if (on_a_thread)
                std::thread(dcc::with_context(call)).join();
            else
                call();
            throw std::runtime_error("a step is missing");
        };
    };
    const auto answers_false = [] { return !dcc::is_cancelled(); };
    const auto throws_it = []() -> bool {
        dcc::throw_if_cancelled();
        return true;
    };
    for (const bool on_a_thread : {false, true}) {
        const char *text = "a step is missing";
        each_way(stopped_within(answers_false, on_a_thread), state::cancelled, text);
        each_way(stopped_within(throws_it, on_a_thread), state::cancelled, text);
    }
}

void what_is_no_exception_class_ends_likewise()
{
    const work throws = [](const dcc::job &job) -> bool {
        job.cancel();
        throw 7;
    };
    each_way(throws, state::cancelled, "threw what is no std::exception");
    // A text that the library would refuse is cut and kept.
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
    it_does_not_end_the_job_of_a_part();
    a_library_ends_the_job_that_is_run_in_a_stopped_thread();
#if DCC_CANCEL_EXCEPTIONS
    what_is_run_in_a_stopped_thread_is_told();
    what_is_thrown_after_a_poll_has_said_stop_is_no_failure();
    a_poll_for_another_job_says_nothing();
    a_part_that_is_stopped_is_no_cancel_of_the_job();
    a_job_inside_tells_the_one_around_it();
    what_is_no_exception_class_ends_likewise();
#endif
    return 0;
}
