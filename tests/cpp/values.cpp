// Tokens as values: in ranges, sets and maps, with the exceptions that calls throw, and with guards. Also
// compiled without exceptions.

#include "dcc_cancel.hpp"
#include "expect.hpp"

#include <array>
#include <functional>
#include <list>
#include <set>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

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

void they_are_empty_or_not_and_swap()
{
    dcc::token token = dcc::token::create();
    const dcc::token before = token;
    dcc::token none;
    EXPECT(none == nullptr && nullptr == none && token != nullptr && nullptr != token);
    EXPECT(!(none != nullptr) && !(nullptr == token) && dcc::job() == nullptr);
    swap(token, none);
    EXPECT(token == nullptr && none == before);
    std::swap(token, none);
    EXPECT(token == before && none == nullptr);
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
    they_are_keys();
    they_are_empty_or_not_and_swap();
    a_callback_may_take_the_token();
    a_guard_cancels_unless_it_is_dismissed();
    a_deadline_moves();
#if DCC_CANCEL_EXCEPTIONS
    what_is_thrown_says_why();
#endif
    return 0;
}
