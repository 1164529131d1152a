// Objects that are created inside a job's work, or while a request's token is current, stop with that job or
// request. Also compiled without exceptions and RTTI.

#include "dcc_cancel.hpp"
#include "expect.hpp"

#include <atomic>
#include <string>
#include <thread>

namespace {

using state = dcc::job_state;

// Works until a poll says to stop.
bool works_on()
{
    while (!dcc::is_cancelled())
        std::this_thread::yield();
    return false;
}

void a_job_inside_another_stops_with_it()
{
    const dcc::job outer = dcc::job::create({"outer"});
    state inner = state::none;
    std::string reason;
    dcc::run(outer, [&] {
        const dcc::job made = dcc::job::create({"inner"});
        inner = dcc::run(made, [&] {
            EXPECT(outer.cancel("enough"));
            return works_on();
        });
        reason = made.token().reason();
        // It is too late to begin.
        EXPECT(dcc::run(dcc::job::create({"second"}), [] { EXPECT(false && "it must not run"); }) ==
               state::cancelled);
    });
    EXPECT(inner == state::cancelled && reason == "enough");
}

void what_is_detached_goes_on()
{
    const dcc::token request = dcc::token::create();
    const dcc::job outer = dcc::job::create({"outer"});
    const dcc::token other = dcc::token::create();
    const dcc::token_scope current(request);
    dcc::run(outer, [&] {
        dcc::job_options options;
        options.is_detached = true;
        const dcc::job detached = dcc::job::create(options);
        options.parent = other;
        const dcc::job with_parent = dcc::job::create(options);
        dcc::job_options given;
        given.parent = other;
        const dcc::job for_other = dcc::job::create(given);
        const dcc::shield shielded;
        const dcc::job behind_shield = dcc::job::create();
        EXPECT(outer.cancel() && request.cancel());
        EXPECT(!detached.is_cancelled() && !for_other.is_cancelled() && !behind_shield.is_cancelled());
        EXPECT(!with_parent.is_cancelled() && other.cancel());
        EXPECT(for_other.is_cancelled() && with_parent.is_cancelled());
    });
}

// The current token and the current job need not be related.
void both_that_are_current_are_above()
{
    for (const bool is_token_cancelled : {true, false}) {
        const dcc::token token = dcc::token::create();
        const dcc::job outer = dcc::job::create({"outer"});
        outer.begin();
        const dcc::job_scope in(outer);
        const dcc::token_scope current(token);
        const dcc::job inner = dcc::job::create();
        const dcc::token below = dcc::token::create_below_current("7");
        EXPECT(!inner.is_cancelled() && !below.is_cancelled() && below.caller_id() == "7");
        EXPECT(is_token_cancelled ? token.cancel() : outer.cancel());
        EXPECT(inner.is_cancelled() && below.is_cancelled());
    }
}

// A job belongs to a request only through the current token.
void a_job_of_a_request_commits_or_is_cancelled_and_its_peer_is_told_the_same()
{
    const dcc::session peer = dcc::session::create();
    const dcc::request first = peer.begin(1);
    const dcc::request second = peer.begin(2);
    {
        const dcc::token_scope current(first.token());
        const dcc::job job = dcc::job::create();
        EXPECT(job.begin() && first.cancel("the peer"));
        EXPECT(job.try_commit([] { EXPECT(false && "it must not run"); }) == DCC_CANCELLED_BY_JOB);
        EXPECT(job.acknowledge_cancel());
    }
    const dcc::token_scope current(second.token());
    const dcc::job job = dcc::job::create();
    EXPECT(job.begin() && job.try_commit([&] { EXPECT(second.try_cancel() == DCC_SEALED); }) == DCC_OK);
    EXPECT(job.complete());
}

// The outer job answers for its request itself: an inner job has committed only a part of the work.
void an_outer_job_answers_for_its_request_itself()
{
    const dcc::session peer = dcc::session::create();
    const dcc::request request = peer.begin(1);
    const dcc::token_scope current(request.token());
    const dcc::job outer = dcc::job::create({"outer"});
    dcc::run(outer, [&] {
        const dcc::job inner = dcc::job::create({"inner"});
        EXPECT(inner.begin() && inner.seal() && inner.complete());
        EXPECT(request.try_cancel() == DCC_OK && outer.is_cancelled());
    });
}

void a_sealed_job_passes_what_is_made_in_it_by()
{
    for (const bool is_made_after_the_cancel : {false, true}) {
        const dcc::token request = dcc::token::create();
        const dcc::token_scope current(request);
        const dcc::job outer = dcc::job::create({"outer"});
        dcc::run(outer, [&] {
            EXPECT(outer.seal());
            if (is_made_after_the_cancel)
                request.cancel();
            const dcc::job inner = dcc::job::create({"inner"});
            request.cancel();
            EXPECT(!dcc::is_cancelled() && !inner.is_cancelled() && inner.cancel());
        });
    }
}

void a_post_stops_with_the_job_that_posted_it()
{
    const dcc::dispatcher ui = dcc::dispatcher::create();
    const dcc::token request = dcc::token::create();
    dcc::job below, detached, nested;
    dcc::post_options alone;
    alone.is_detached = true;
    const dcc::job outer = dcc::job::create({"outer"});
    const auto see_token = [&] { EXPECT(dcc::token::current() == request); };
    const auto see_none = [&] { EXPECT(!dcc::token::current()); };
    dcc::job seeing, seeing_none;
    {
        const dcc::token_scope current(request);
        dcc::run(outer, [&] {
            seeing = ui.post("sees", see_token);
            seeing_none = ui.post("sees none", see_none, alone);
            EXPECT(ui.pump_all().status == DCC_OK);
            below = ui.post("below", [] { EXPECT(false && "it must not run"); });
            detached = ui.post("detached", [] {}, alone);
            EXPECT(outer.cancel("enough"));
        });
    }
    EXPECT(seeing.state() == state::completed && seeing_none.state() == state::completed);
    EXPECT(below.is_cancelled() && !detached.is_cancelled());
    ui.pump_all();
    EXPECT(below.state() == state::cancelled && detached.state() == state::completed);
    EXPECT(below.token().reason() == "enough" && !request.is_cancelled());

    // A posted job passes this on to another thread.
    std::atomic<bool> has_begun{false};
    dcc::post_options elsewhere;
    elsewhere.any_thread = true;
    const dcc::job posting = ui.post("posts", [&](const dcc::job &self) {
        nested = ui.post("nested", [&] {
            has_begun = true;
            return works_on();
        }, elsewhere);
        while (!has_begun)
            std::this_thread::yield();
        EXPECT(self.cancel());
    });
    while (!nested || nested.state() != state::cancelled)
        ui.pump_all();
}

void a_thread_s_stop_token_hears_of_its_makers_job()
{
    const dcc::job outer = dcc::job::create({"outer"});
    dcc::run(outer, [&] {
        std::atomic<bool> has_begun{false};
        dcc::jthread thread([&](const dcc::stop_token &stop) {
            has_begun = true;
            while (!stop.stop_requested())
                std::this_thread::yield();
            EXPECT(dcc::is_cancelled());
        });
        while (!has_begun)
            std::this_thread::yield();
        EXPECT(outer.cancel("enough"));
        thread.join();
        EXPECT(thread.get_stop_token().stop_requested());
    });
}

void a_scope_s_pieces_hear_of_it_too()
{
    const dcc::job outer = dcc::job::create({"outer"});
    dcc::run(outer, [&] {
        std::atomic<bool> has_begun{false};
        dcc::scope pieces;
        pieces.spawn([&](const dcc::stop_token &stop) {
            has_begun = true;
            while (!stop.stop_requested())
                std::this_thread::yield();
        });
        while (!has_begun)
            std::this_thread::yield();
        EXPECT(outer.cancel("enough") && !pieces.join());
        EXPECT(pieces.get_token().stop_requested());
    });
}

// A poll asks the token of the thread first. If that token tells of the job's cancel, the job counts as
// having seen the cancel.
void a_cancel_that_a_thread_s_token_tells_is_seen_by_the_job()
{
    const dcc::job outer = dcc::job::create({"outer"});
    dcc::run(outer, [&] {
        dcc::jthread thread([] { static_cast<void>(works_on()); });
        EXPECT(outer.cancel());
        thread.join();
        dcc_job_thread seen[4] = {};
        std::size_t count = 0;
        EXPECT(dcc_job_threads(outer.get(), seen, sizeof seen[0], 4, &count) == DCC_OK);
        EXPECT(count == 1 && seen[0].cancel_to_seen_ns != DCC_NO_LIMIT);
    });
}

} // namespace

int main()
{
    a_job_inside_another_stops_with_it();
    what_is_detached_goes_on();
    both_that_are_current_are_above();
    a_job_of_a_request_commits_or_is_cancelled_and_its_peer_is_told_the_same();
    an_outer_job_answers_for_its_request_itself();
    a_sealed_job_passes_what_is_made_in_it_by();
    a_post_stops_with_the_job_that_posted_it();
    a_thread_s_stop_token_hears_of_its_makers_job();
    a_scope_s_pieces_hear_of_it_too();
    a_cancel_that_a_thread_s_token_tells_is_seen_by_the_job();
    return 0;
}
