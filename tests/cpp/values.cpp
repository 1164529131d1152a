// Tokens as values: ranges of them, sets and maps, what is thrown, guards. Also compiled without exceptions.

#if defined(__GNUC__) && !defined(__clang__)
// Seen where the operators below are inlined.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

#include "dcc_cancel.hpp"
#include "expect.hpp"

#include <array>
#include <cstdlib>
#include <functional>
#include <list>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

// ThreadSanitizer has operators of its own, which cannot be replaced.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAS_OWN_OPERATORS 0
#endif
#endif
#if !defined(HAS_OWN_OPERATORS)
#define HAS_OWN_OPERATORS 1
#endif

namespace {

int allocations = 0;
bool is_memory_full = false;

[[maybe_unused]] void *allocate(std::size_t size)
{
    ++allocations;
    return is_memory_full ? nullptr : std::malloc(size);
}

} // namespace

#if HAS_OWN_OPERATORS

void *operator new(std::size_t size)
{
    if (void *made = allocate(size))
        return made;
#if DCC_CANCEL_EXCEPTIONS
    throw std::bad_alloc();
#else
    std::abort();
#endif
}
void *operator new(std::size_t size, const std::nothrow_t &) noexcept { return allocate(size); }
void *operator new[](std::size_t size, const std::nothrow_t &) noexcept { return allocate(size); }
void operator delete(void *gone) noexcept { std::free(gone); }
void operator delete(void *gone, std::size_t) noexcept { std::free(gone); }
void operator delete[](void *gone) noexcept { std::free(gone); }
void operator delete[](void *gone, std::size_t) noexcept { std::free(gone); }

#endif

namespace {

using namespace std::chrono_literals;

template <class Range> void its_last_parent_cancels_it(const Range &parents, const dcc::token &last)
{
    const dcc::token child = dcc::token::create(parents, "frame 12");
    const dcc::token other = dcc::token::create(std::begin(parents), std::end(parents));
    dcc::token tried;
    EXPECT(dcc::token::try_create(tried, parents) == DCC_OK);
    EXPECT(child.caller_id() == "frame 12" && !child.is_cancelled());
    EXPECT(!dcc::wait_any(parents, 0ns));
    last.cancel();
    EXPECT(child.is_cancelled() && other.is_cancelled() && tried.is_cancelled());
    const dcc::wait_result ended = dcc::wait_any(parents);
    const auto count = std::distance(std::begin(parents), std::end(parents));
    EXPECT(ended && ended.index + 1 == static_cast<std::size_t>(count));
}

void parents_come_from_any_range()
{
    const auto two = [] { return std::vector<dcc::token>{dcc::token::create(), dcc::token::create()}; };
    const std::vector<dcc::token> tokens = two();
    its_last_parent_cancels_it(tokens, tokens[1]);
    const std::vector<dcc::token> more = two();
    its_last_parent_cancels_it(std::list<dcc::token>(more.begin(), more.end()), more[1]);
    const std::array<dcc::token, 2> fixed = {dcc::token::create(), dcc::token::create()};
    its_last_parent_cancels_it(fixed, fixed[1]);
    const dcc::token plain[] = {dcc::token::create(), dcc::token::create()};
    its_last_parent_cancels_it(plain, plain[1]);
    const dcc::stop_source source;
    const std::vector<dcc::stop_token> stops = {dcc::stop_token(), source.get_token()};
    its_last_parent_cancels_it(stops, source.get_token());
    EXPECT(!dcc::token::create(std::vector<dcc::token>()).is_cancelled());
    EXPECT(dcc::token::create({source.get_token()}).is_cancelled());
}

void a_range_that_finds_no_memory_is_an_answer()
{
    const std::vector<dcc::token> parents = {dcc::token::create()};
    dcc::token result = dcc::token::create();
    is_memory_full = HAS_OWN_OPERATORS;
    const dcc_status status = dcc::token::try_create(result, parents);
    is_memory_full = false;
    EXPECT(status == (HAS_OWN_OPERATORS ? DCC_ERROR_RESOURCES : DCC_OK));
    EXPECT(static_cast<bool>(result) == !HAS_OWN_OPERATORS);
}

void they_are_keys()
{
    const dcc::token token = dcc::token::create();
    const dcc::token same = token;
    const dcc::token other = dcc::token::create();
    std::unordered_map<dcc::token, int> counts;
    ++counts[token];
    ++counts[same];
    ++counts[other];
    EXPECT(counts.size() == 2 && counts[token] == 2);
    const std::set<dcc::token> ordered = {token, other, same, dcc::token()};
    EXPECT(ordered.size() == 3 && (token < other) != (other < token) && !(token < same));
    const dcc::job job = dcc::job::create();
    const std::unordered_set<dcc::job> jobs = {job, dcc::job(job), dcc::job()};
    const std::unordered_set<dcc::context> contexts = {dcc::context::capture(), dcc::context()};
    EXPECT(jobs.size() == 2 && contexts.size() == 2);
    EXPECT(std::unordered_set<dcc::dispatcher>().empty() && std::unordered_set<dcc::request>().empty());
}

void a_callback_may_take_the_token()
{
    const dcc::token parent = dcc::token::create();
    const dcc::token token = dcc::token::create({parent});
    std::string why;
    const dcc::cancel_callback callback(token, [&](const dcc::token &cancelled) {
        EXPECT(cancelled == token);
        why = cancelled.reason();
    });
    parent.cancel("closed");
    EXPECT(why == "closed");
    int times = 0;
    const dcc::cancel_callback late(token, [&](const dcc::token &cancelled) { times += cancelled == token; });
    const dcc::owner plugin = dcc::owner::create();
    const dcc::cancel_callback owned(
        token, [&](dcc::token cancelled) { times += cancelled == token; }, plugin);
    const dcc::cancel_callback either(token, [&](auto &&...given) { times += sizeof...(given) == 0; });
    EXPECT(times == 3);
}

void nothing_is_allocated_where_nothing_can_be_called_later()
{
    const dcc::token cancelled = dcc::token::create();
    cancelled.cancel();
    int called = 0;
    allocations = 0;
    is_memory_full = true;
    {
        const dcc::cancel_callback never(dcc::token(), [&] { ++called; });
        const dcc::stop_callback stop_never(dcc::stop_token(), [&] { ++called; });
        EXPECT(called == 0 && never.status() == DCC_OK && stop_never.status() == DCC_OK);
        dcc::cancel_callback now(cancelled, [&] { ++called; });
        const dcc::stop_callback stop_now(dcc::stop_token(cancelled), [&] { ++called; });
        EXPECT(called == 2 && now.status() == DCC_OK && stop_now.status() == DCC_OK);
        EXPECT(now.unregister() == DCC_CALLBACK_DONE && now.unregister() == DCC_OK);
    }
    is_memory_full = false;
    EXPECT(called == 2 && allocations == 0);
}

void a_guard_cancels_unless_it_is_dismissed()
{
    const dcc::token left = dcc::token::create();
    const dcc::token done = dcc::token::create();
    {
        const dcc::cancel_guard guard(left);
        dcc::cancel_guard dismissed(done);
        dcc::cancel_guard moved = std::move(dismissed);
        EXPECT(moved.dismiss() == done);
        const dcc::cancel_guard none{dcc::token()};
    }
    EXPECT(left.is_cancelled() && !done.is_cancelled());
}

void a_deadline_moves()
{
    const dcc::token token = dcc::token::create();
    {
        dcc::deadline first(token, 1h);
        dcc::deadline second = std::move(first);
        EXPECT(!first.clear() && token.time_to_deadline());
        dcc::deadline third(dcc::token::create(), 1h);
        third = std::move(second);
        EXPECT(third.status() == DCC_OK && token.time_to_deadline());
    }
    EXPECT(!token.time_to_deadline() && !token.is_cancelled());
}

#if DCC_CANCEL_EXCEPTIONS

template <class Function> dcc::cancelled_error thrown_by(Function function)
{
    try {
        function();
    } catch (const dcc::cancelled_error &thrown) {
        return thrown;
    }
    EXPECT(false && "nothing was thrown");
    return dcc::cancelled_error(DCC_OK);
}

void what_is_thrown_says_why()
{
    static_assert(std::is_nothrow_copy_constructible_v<dcc::cancelled_error>, "as an exception should");
    const dcc::token token = dcc::token::create();
    const dcc::job job = dcc::job::create();
    const dcc::token_scope with_token(token);
    const dcc::job_scope with_job(job);
    const dcc::poller poll;
    const dcc::token_poller own(token);
    dcc::throw_if_cancelled();
    dcc::throw_if_cancelled(token);
    const auto has = [](const dcc::cancelled_error &thrown, dcc_status status, const dcc::token &seen) {
        return thrown.status() == status && thrown.token() == seen && thrown.reason() == seen.reason() &&
               thrown.cause() == dcc::cause::request;
    };
    job.cancel("the window was closed");
    const dcc::token of_job = job.token();
    EXPECT(of_job.reason() == "the window was closed");
    EXPECT(has(thrown_by([] { dcc::throw_if_cancelled(); }), DCC_CANCELLED_BY_JOB, of_job));
    EXPECT(has(thrown_by([&] { poll.throw_if_cancelled(); }), DCC_CANCELLED_BY_JOB, of_job));
    token.cancel("the peer left");
    EXPECT(has(thrown_by([] { dcc::throw_if_cancelled(); }), DCC_CANCELLED_BY_TOKEN, token));
    EXPECT(has(thrown_by([&] { poll.throw_if_cancelled(); }), DCC_CANCELLED_BY_TOKEN, token));
    EXPECT(has(thrown_by([&] { own.throw_if_cancelled(); }), DCC_CANCELLED_BY_TOKEN, token));
    EXPECT(has(thrown_by([&] { token.throw_if_cancelled(); }), DCC_CANCELLED_BY_TOKEN, token));
    EXPECT(has(thrown_by([] { throw dcc::cancelled_error(); }), DCC_CANCELLED_BY_TOKEN, token));
    dcc::token gone = dcc::token::create();
    const dcc::token_poller of_gone(gone);
    gone.reset();
    const dcc::cancelled_error thrown = thrown_by([&] { of_gone.throw_if_cancelled(); });
    EXPECT(thrown.status() == DCC_POLL_GONE && !thrown.token() && thrown.reason().empty());
}

#endif

} // namespace

int main()
{
    parents_come_from_any_range();
    a_range_that_finds_no_memory_is_an_answer();
    they_are_keys();
    a_callback_may_take_the_token();
    nothing_is_allocated_where_nothing_can_be_called_later();
    a_guard_cancels_unless_it_is_dismissed();
    a_deadline_moves();
#if DCC_CANCEL_EXCEPTIONS
    what_is_thrown_says_why();
#endif
    return 0;
}
