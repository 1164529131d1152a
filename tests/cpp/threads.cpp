// Contexts that are carried to worker threads, threads with a token of their own, and shields. Also compiled
// without exceptions.

#include "dcc_cancel.hpp"
#include "expect.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

namespace {

void until_cancelled()
{
    dcc::poller cancelled;
    while (!cancelled())
        std::this_thread::yield();
}

void what_is_current_goes_along()
{
    const dcc::token token = dcc::token::create();
    const dcc::job job = dcc::job::create();
    std::thread by_token, by_job;
    std::future<int> answer;
    {
        const dcc::token_scope with_token(token);
        by_token = std::thread(dcc::with_context(until_cancelled));
        const dcc::token_scope without(dcc::token{});
        const dcc::job_scope with_job(job);
        by_job = std::thread(dcc::with_context([&job] {
            EXPECT(dcc::job::current() == job);
            until_cancelled();
        }));
        // A callable that can only be moved, with arguments and a result.
        answer = std::async(std::launch::async,
                            dcc::with_context([kept = std::make_unique<int>(2)](int more) {
                                until_cancelled();
                                return *kept + more;
                            }),
                            40);
    }
    token.cancel();
    by_token.join();
    job.cancel();
    by_job.join();
    EXPECT(answer.get() == 42);
    EXPECT(!dcc::is_cancelled());
}

void the_same_context_is_entered_by_several_threads_and_left()
{
    const dcc::token token = dcc::token::create();
    const dcc::token_scope current(token);
    auto wrapped = dcc::with_context([&token] { return dcc::token::current() == token; });
    auto copy = wrapped;
    std::thread other([&copy] {
        EXPECT(copy());
        EXPECT(!dcc::token::current());
    });
    EXPECT(wrapped());
    other.join();
}

void a_thread_works_for_its_maker()
{
    const dcc::token token = dcc::token::create();
    const dcc::job job = dcc::job::create();
    const dcc::token_scope with_token(token);
    const dcc::job_scope with_job(job);
    dcc::jthread by_maker([&job] {
        EXPECT(dcc::job::current() == job);
        until_cancelled();
    });
    dcc::jthread by_stop([](dcc::stop_token stop, int first, const std::string &second) {
        EXPECT(first == 1 && second == "two" && stop == dcc::token::current());
        until_cancelled();
        EXPECT(stop.stop_requested());
    }, 1, "two");
    EXPECT(by_stop.request_stop("enough") && !by_stop.request_stop());
    by_stop.join();
    EXPECT(!by_stop.joinable() && !token.is_cancelled() && !by_maker.get_stop_token().stop_requested());
    token.cancel("closed");
    by_maker.join();
    EXPECT(dcc::token(by_maker.get_stop_token()).reason() == "closed");
}

void it_is_stopped_and_joined_by_its_end_and_by_what_replaces_it()
{
    static_assert(!std::is_copy_constructible_v<dcc::jthread>, "as std::jthread");
    static_assert(std::is_nothrow_move_constructible_v<dcc::jthread> &&
                      std::is_nothrow_move_assignable_v<dcc::jthread>,
                  "as std::jthread");
    std::atomic<int> ended{0};
    const auto work = [&ended] {
        until_cancelled();
        ++ended;
    };
    {
        dcc::jthread first(work);
        dcc::jthread second(work);
        dcc::jthread third = std::move(first);
        EXPECT(!first.joinable() && third.joinable());
        second = std::move(third);
        EXPECT(ended == 1 && second.joinable());
        swap(first, second);
        EXPECT(first.joinable() && !second.joinable());
        const dcc::jthread none;
        EXPECT(!none.joinable() && !none.get_stop_source().stop_possible());
        EXPECT(none.get_id() == std::thread::id());
    }
    EXPECT(ended == 2 && dcc::jthread::hardware_concurrency() == std::thread::hardware_concurrency());
    dcc::token own;
    {
        dcc::jthread detached([](dcc::stop_token) { until_cancelled(); });
        own = dcc::token(detached.get_stop_token());
        detached.detach();
    }
    EXPECT(!own.is_cancelled());
    own.cancel();
}

void pieces_end_with_their_scope()
{
    const dcc::job job = dcc::job::create();
    const dcc::job_scope with_job(job);
    std::atomic<int> done{0};
    {
        dcc::scope pieces;
        for (int count = 0; count < 4; ++count)
            pieces.spawn([&] {
                EXPECT(dcc::job::current() == job && dcc::token::current() == pieces.get_token());
                pieces.spawn([&done] { ++done; });
                return true;
            });
        EXPECT(pieces.join() && done == 4);
        pieces.spawn([&done](dcc::stop_token stop) {
            until_cancelled();
            done += stop.stop_requested();
        });
    }
    EXPECT(done == 5 && !job.is_cancelled());
    dcc::scope cancelled;
    cancelled.spawn([] {
        until_cancelled();
        return false;
    });
    job.cancel();
    EXPECT(!cancelled.join() && dcc::token(cancelled.get_token()).is_cancelled());
}

void the_first_failure_stops_the_others()
{
    dcc::scope pieces;
    pieces.spawn(until_cancelled);
    pieces.spawn([] { return false; });
    EXPECT(!pieces.join());
    EXPECT(dcc::token(pieces.get_token()).reason() == "another piece failed");
    dcc::scope own;
    own.spawn(until_cancelled);
    EXPECT(own.cancel("closed") && !own.join());
#if DCC_CANCEL_EXCEPTIONS
    const auto thrown_by = [](dcc::scope &joined) -> std::string {
        try {
            static_cast<void>(joined.join());
        } catch (const std::exception &thrown) {
            return thrown.what();
        }
        return "nothing";
    };
    dcc::scope throwing;
    throwing.spawn([] {
        dcc::poller poll;
        for (;;)
            poll.throw_if_cancelled();
    });
    throwing.spawn([] { throw std::runtime_error("the cache is broken"); });
    EXPECT(thrown_by(throwing) == "the cache is broken" && thrown_by(throwing) == "nothing");
    // A cancelled_error without a cancel is a failure like any other.
    dcc::scope odd;
    odd.spawn([] { throw dcc::cancelled_error(); });
    EXPECT(thrown_by(odd) != "nothing");
    dcc::scope stopped;
    stopped.spawn([] {
        until_cancelled();
        dcc::throw_if_cancelled();
    });
    stopped.cancel();
    EXPECT(thrown_by(stopped) == "nothing" && !stopped.join());
#endif
}

#if DCC_CANCEL_EXCEPTIONS

void a_thread_ends_by_a_cancelled_error()
{
    dcc::jthread worker([] {
        until_cancelled();
        dcc::throw_if_cancelled();
        EXPECT(false && "it must not go on");
    });
    worker.request_stop();
    worker.join();
}

#endif

void what_cleans_up_is_not_cancelled()
{
    const dcc::token token = dcc::token::create();
    const dcc::job job = dcc::job::create();
    const dcc::token_scope with_token(token);
    const dcc::job_scope with_job(job);
    EXPECT(job.begin());
    dcc::progress all(100);
    const dcc::poller before;
    token.cancel();
    job.cancel();
    EXPECT(all.advance()); // stop
    {
        const dcc::shield shielded;
        EXPECT(shielded.status() == DCC_OK && !dcc::is_cancelled() && !dcc::poller()());
        // A rollback can report its progress, too.
        EXPECT(!before() && job.set_progress(1, 2) && !all.advance());
        EXPECT(!dcc::token::current() && !dcc::job::current());
        // The shield is carried to other threads.
        std::thread(dcc::with_context([] { EXPECT(!dcc::is_cancelled()); })).join();
        const dcc::token_scope again(token);
        EXPECT(dcc::is_cancelled());
    }
    EXPECT(dcc::is_cancelled() && dcc::token::current() == token && dcc::job::current() == job);
}

dcc_stats stats()
{
    dcc_stats counts = {};
    counts.struct_size = sizeof counts;
    EXPECT(dcc_stats_read(&counts) == DCC_OK);
    return counts;
}

// A beginner's loop, with the poller made on the thread of the loop; and the same loop with the context
// carried there.
void a_poller_without_a_job_is_counted()
{
    const dcc::job job = dcc::job::create();
    EXPECT(job.begin());
    const dcc::job_scope current(job);
    const auto before = stats().polls_without_job;
    const auto loop = [] {
        const dcc::poller cancelled;
        const dcc::library_call call;
        (void)cancelled, (void)call;
    };
    std::thread(dcc::with_context(loop)).join();
    std::async(std::launch::async, dcc::with_context(loop)).get();
    std::thread([&loop] {
        const dcc::shield on_purpose;
        loop();
    }).join();
    EXPECT(stats().polls_without_job == before);
    std::thread(loop).join();
    EXPECT(stats().polls_without_job == before + 2);
}

std::string file_of(const char (&name)[DCC_FILE_SIZE])
{
    const std::string file = name;
    return file.substr(file.find_last_of("/\\") + 1);
}

// The poll trace names the line that reports progress, through all of the wrapper's functions.
void progress_says_where_it_is_told()
{
    const dcc::job job = dcc::job::create();
    EXPECT(job.begin());
    const dcc::job_scope current(job);
    dcc::library_call call;
    const auto told_at = [&job](auto tell) {
        EXPECT(dcc_job_trace(job.get(), 0) == DCC_OK && dcc_job_trace(job.get(), 1) == DCC_OK);
        tell();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        job.set_progress(2000, 0);
        dcc_poll_gap gap = {};
        gap.struct_size = sizeof gap;
        EXPECT(dcc_job_poll_gap(job.get(), &gap) == DCC_OK && file_of(gap.from_file) == "threads.cpp");
        return gap.from_line;
    };
    const unsigned before = __LINE__;
    EXPECT(told_at([&job] { job.set_progress(1, 0, "one"); }) == before + 1);
    EXPECT(told_at([&call] { call.set_progress(0.5); }) == before + 2);
    EXPECT(told_at([&call] { call.set_progress(1001, 0); }) == before + 3);
    EXPECT(told_at([&job] { dcc_job_set_progress(job.get(), 1002, 0, nullptr, 0); }) == before + 4);
}

} // namespace

int main()
{
    what_is_current_goes_along();
    the_same_context_is_entered_by_several_threads_and_left();
    a_thread_works_for_its_maker();
    it_is_stopped_and_joined_by_its_end_and_by_what_replaces_it();
    pieces_end_with_their_scope();
    the_first_failure_stops_the_others();
    what_cleans_up_is_not_cancelled();
#if DCC_CANCEL_EXCEPTIONS
    a_thread_ends_by_a_cancelled_error();
#endif
    a_poller_without_a_job_is_counted();
    progress_says_where_it_is_told();
    return 0;
}
