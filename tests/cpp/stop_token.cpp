// The names of std::stop_token: the same generic code, compiled with ours and, in C++20, with std's; and
// conversions between them. Also compiled without exceptions and RTTI.

#if defined(__GNUC__) && !defined(__clang__)
// gcc 12 gives a wrong warning about the constructor of std::stop_source.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include "dcc_cancel.hpp"
#include "expect.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#if __cplusplus >= 202002L
#include <concepts>
#endif
#include <cstdio>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>

namespace with_ours {
using dcc::nostopstate;
using dcc::nostopstate_t;
using dcc::stop_callback;
using dcc::stop_source;
using dcc::stop_token;
#include "stop_generic.inc"
} // namespace with_ours

#if defined(__cpp_lib_jthread)
namespace with_std {
using std::nostopstate;
using std::nostopstate_t;
using std::stop_callback;
using std::stop_source;
using std::stop_token;
#include "stop_generic.inc"
} // namespace with_std
#endif

namespace {

void a_stop_token_is_a_token()
{
    dcc::job job = dcc::job::create();
    dcc::stop_source source(job.token());
    dcc::stop_token seen = dcc::token(job.token());
    EXPECT(source.get_token() == seen);
    EXPECT(seen == job.token() && job.token() == seen && !(seen != job.token()) && !(job.token() != seen));
    EXPECT(seen != dcc::token() && dcc::token() != seen);
    dcc::token_scope current(seen);
    dcc::owner plugin = dcc::owner::create();
    bool called = false;
    dcc::stop_callback callback(seen, [&called] { called = true; }, plugin);
    EXPECT(source.request_stop("the preview is closed"));
    EXPECT(job.token().reason() == "the preview is closed");
    EXPECT(called && job.is_cancelled() && dcc::is_cancelled());
}

// The difference from std that the header states.
void a_stop_token_without_a_source_can_still_be_stopped()
{
    dcc::stop_token token = dcc::stop_source().get_token();
    EXPECT(token.stop_possible());
}

#if defined(__cpp_lib_jthread)

std::uint64_t live_tokens()
{
    dcc_stats stats = {};
    stats.struct_size = sizeof stats;
    EXPECT(dcc_stats_read(&stats) == DCC_OK);
    return stats.live_tokens;
}

void a_std_stop_cancels_the_token()
{
    EXPECT(!dcc::token_from(std::stop_token()));
    std::stop_source source;
    dcc::token token = dcc::token_from(source.get_token());
    dcc::token child = dcc::token::create({token});
    EXPECT(!token.is_cancelled());
    source.request_stop();
    EXPECT(token.is_cancelled() && child.is_cancelled());
    EXPECT(dcc::token_from(source.get_token()).is_cancelled());
}

void a_callback_keeps_the_token_of_a_std_stop()
{
    const std::uint64_t before = live_tokens();
    int called = 0;
    {
        std::stop_source source;
        const dcc::cancel_callback callback(dcc::token_from(source.get_token()), [&] { ++called; });
        const dcc::stop_token stop = dcc::token_from(source.get_token());
        const dcc::stop_callback other(stop, [&] { ++called; });
        source.request_stop();
        EXPECT(called == 2);
        std::stop_source unused;
        const dcc::cancel_callback never(dcc::token_from(unused.get_token()), [&] { ++called; });
    }
    EXPECT(called == 2 && live_tokens() == before);
    std::atomic<bool> was_called{false};
    {
        std::jthread worker([&](std::stop_token stop) {
            const dcc::cancel_callback callback(dcc::token_from(stop), [&] { was_called = true; });
            while (!was_called)
                std::this_thread::yield();
        });
    }
    EXPECT(was_called);
}

void the_link_ends_with_the_token_the_source_or_the_owner()
{
    const std::uint64_t before = live_tokens();
    std::stop_source source;
    {
        dcc::token token = dcc::token_from(source.get_token());
        EXPECT(token && live_tokens() > before);
    }
    EXPECT(live_tokens() == before);
    dcc::owner plugin = dcc::owner::create();
    dcc::token unlinked = dcc::token_from(source.get_token(), plugin);
    plugin.close();
    dcc::token cancelled = dcc::token_from(source.get_token());
    cancelled.cancel(); // ends the link from inside
    dcc::token orphan;
    {
        std::stop_source gone;
        orphan = dcc::token_from(gone.get_token());
    }
    source.request_stop();
    EXPECT(!unlinked.is_cancelled() && !orphan.is_cancelled());
}

void a_cancel_stops_a_std_stop_token()
{
    const dcc::token never;
    const dcc::std_stop_link none(never);
    EXPECT(!none.get_token().stop_possible());
    dcc::token token = dcc::token::create();
    const auto link = dcc::std_stop_token_from(token);
    std::stop_token stop = link;
    bool called = false;
    std::stop_callback callback(stop, [&called] { called = true; });
    EXPECT(stop.stop_possible() && !stop.stop_requested());
    token.cancel();
    EXPECT(called && stop.stop_requested());
    const dcc::std_stop_link late(token);
    EXPECT(late.get_token().stop_requested());
    {
        const dcc::token forgotten = dcc::token::create();
        const dcc::std_stop_link scope(forgotten);
        stop = scope;
    }
    EXPECT(!stop.stop_possible());
}

std::uint64_t live_registrations()
{
    dcc_stats stats = {};
    stats.struct_size = sizeof stats;
    EXPECT(dcc_stats_read(&stats) == DCC_OK);
    return stats.live_registrations;
}

void repeated_waits_leave_nothing_behind()
{
    const dcc::token token = dcc::token::create();
    std::mutex mutex;
    std::condition_variable_any changed;
    const std::uint64_t before = live_registrations();
    const dcc::std_stop_link stop(token);
    for (int count = 0; count < 1'000'000; ++count) {
        std::unique_lock<std::mutex> lock(mutex);
        EXPECT(changed.wait(lock, stop, [] { return true; }));
    }
    EXPECT(live_registrations() == before + 1);
    for (int count = 0; count < 10'000; ++count) {
        const dcc::std_stop_link each(token);
        std::unique_lock<std::mutex> lock(mutex);
        EXPECT(changed.wait(lock, each, [] { return true; }));
    }
    EXPECT(live_registrations() == before + 1);
}

// The text of P2300's concept stoppable_token (the standard's [stoptoken.concepts]).
template <template <class> class> struct type_exists;
template <class Token>
concept stoppable_token =
    requires(const Token tested) {
        typename type_exists<Token::template callback_type>;
        { tested.stop_requested() } noexcept -> std::same_as<bool>;
        { tested.stop_possible() } noexcept -> std::same_as<bool>;
        { Token(tested) } noexcept;
    } && std::copyable<Token> && std::equality_comparable<Token> && std::swappable<Token>;
static_assert(stoppable_token<dcc::stop_token>);

void a_condition_variable_waits_for_a_token()
{
    dcc::token token = dcc::token::create();
    std::jthread canceller([token] {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        token.cancel();
    });
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock<std::mutex> lock(mutex);
    const dcc::std_stop_link stop(token);
    EXPECT(!changed.wait(lock, stop, [] { return false; }));
}

void a_jthread_stops_what_works_for_a_token()
{
    std::atomic<bool> stopped{false};
    {
        std::jthread worker([&stopped](std::stop_token stop) {
            dcc::token_scope current(dcc::token_from(std::move(stop)));
            dcc::poller cancelled;
            while (!cancelled())
                std::this_thread::yield();
            stopped = true;
        });
    }
    EXPECT(stopped);
}

// Both ends stop, and the token ends, at the same moment. Not with GCC's library on Windows, at least before
// version 13: there the destructor of a std::stop_callback that waits for its callback sometimes sleeps for
// ever, also in a program that uses only std's types.
#if !(defined(_WIN32) && defined(__GLIBCXX__))
void links_end_while_they_are_used()
{
    for (int round = 0; round < 500; ++round) {
        std::stop_source source;
        dcc::token token = dcc::token_from(source.get_token());
        std::optional<dcc::std_stop_link> link(std::in_place, token);
        std::stop_token back = *link;
        std::atomic<int> ready{0};
        const auto start = [&ready] {
            ++ready;
            while (ready != 3)
                std::this_thread::yield();
        };
        std::jthread stopper([&] {
            start();
            source.request_stop();
        });
        std::jthread canceller([&start, shared = token]() mutable {
            start();
            shared.cancel();
            shared.reset();
        });
        start();
        token.reset();
        canceller.join();
        stopper.join();
        EXPECT(back.stop_requested());
        link.reset();
    }
}
#else
void links_end_while_they_are_used()
{
    std::puts("SKIPPED both ends of a link at once: std::stop_callback waits for ever here");
}
#endif

#endif

} // namespace

int main()
{
    with_ours::all();
    a_stop_token_is_a_token();
    a_stop_token_without_a_source_can_still_be_stopped();
#if defined(__cpp_lib_jthread)
    with_std::all();
    a_std_stop_cancels_the_token();
    a_callback_keeps_the_token_of_a_std_stop();
    the_link_ends_with_the_token_the_source_or_the_owner();
    a_cancel_stops_a_std_stop_token();
    repeated_waits_leave_nothing_behind();
    a_condition_variable_waits_for_a_token();
    a_jthread_stops_what_works_for_a_token();
    links_end_while_they_are_used();
#elif __cplusplus >= 202002L
#error "C++20 without std::stop_token: nothing of it would be tested"
#endif
    return 0;
}
