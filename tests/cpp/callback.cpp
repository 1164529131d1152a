// Callbacks: when and where they run, which calls their destructors wait for, and which objects they may
// destroy. Also compiled without exceptions and RTTI; the throwing half is then left out.

#include "dcc_cancel.hpp"
#include "expect.hpp"
#include "gate.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

void it_is_called_once_by_whoever_cancels()
{
    dcc::token token = dcc::token::create();
    int calls = 0;
    std::thread::id where;
    dcc::cancel_callback callback(token, [&] {
        ++calls;
        where = std::this_thread::get_id();
        EXPECT(token.is_cancelled() && token.reason() == "Esc");
    });
    EXPECT(callback.status() == DCC_OK && calls == 0);
    token.cancel("Esc");
    EXPECT(calls == 1 && where == std::this_thread::get_id());
    token.cancel("again");
    EXPECT(calls == 1);
}

std::uint64_t live_tokens()
{
    dcc_stats stats = {};
    stats.struct_size = sizeof stats;
    EXPECT(dcc_stats_read(&stats) == DCC_OK);
    return stats.live_tokens;
}

void it_keeps_its_token()
{
    const std::uint64_t before = live_tokens();
    {
        const dcc::token first = dcc::token::create(), second = dcc::token::create();
        int calls = 0;
        const dcc::cancel_callback of_a_temporary(dcc::token::create({first, second}), [&] { ++calls; });
        const dcc::stop_callback other(dcc::stop_token(dcc::token::create({first})), [&] { ++calls; });
        dcc::token member = dcc::token::create({first});
        const dcc::cancel_callback of_a_member(member, [&] { ++calls; });
        member = dcc::token::create(); // the next request's
        const auto look = [&](const dcc::token &which) {
            ++calls;
            EXPECT(which.is_cancelled() && which.reason() == "Esc");
        };
        dcc::cancel_callback with_the_token(dcc::token::create({second, first}), look);
        std::optional<dcc::cancel_callback<std::function<void()>>> early;
        early.emplace(dcc::token::create({first}), [&] { ++calls; });
        early.reset();
        EXPECT(calls == 0);
        first.cancel("Esc");
        EXPECT(calls == 4 && with_the_token.unregister() == DCC_CALLBACK_DONE);
        EXPECT(live_tokens() == before + 3);
    }
    EXPECT(live_tokens() == before);
}

void a_deadline_takes_the_place_of_another()
{
    const std::uint64_t before = live_tokens();
    {
        const dcc::token token = dcc::token::create();
        const dcc::token another = dcc::token::create();
        dcc::deadline limit(token, std::chrono::hours(1));
        limit = dcc::deadline(token, std::chrono::milliseconds(1));
        EXPECT(token.wait() && token.cause() == dcc::cause::deadline);
        limit = dcc::deadline(another, std::chrono::hours(1));
        EXPECT(another.time_to_deadline());
        limit = dcc::deadline(dcc::token::create(), std::chrono::hours(1));
        EXPECT(!another.time_to_deadline());
    }
    // The library's thread lets go of the tokens that it has cancelled.
    while (live_tokens() != before)
        std::this_thread::yield();
}

void it_keeps_its_token_for_a_deadline()
{
    const std::uint64_t before = live_tokens();
    std::atomic<bool> called{false};
    const auto soon = [] {
        const dcc::token token = dcc::token::create();
        token.set_deadline_after(std::chrono::milliseconds(5));
        return token;
    };
    const dcc::cancel_callback callback(soon(), [&] { called = true; });
    // The library's thread lets go of the token after the call.
    while (!called || live_tokens() != before)
        std::this_thread::yield();
}

void what_only_callbacks_hold_is_gone()
{
    const std::uint64_t before = live_tokens();
    dcc::token token = dcc::token::create();
    bool called = false;
    dcc::cancel_callback callback(token, [&] { called = true; });
    dcc_status waited = DCC_OK;
    std::atomic<bool> is_waiting{false};
    std::thread waiter([&, handle = token.get()] {
        is_waiting = true;
        waited = dcc_cancel_token_wait(handle, DCC_NO_LIMIT);
    });
    while (!is_waiting)
        std::this_thread::yield();
    token.reset();
    waiter.join();
    // The wait may have begun too late.
    EXPECT(waited == DCC_POLL_GONE || waited == DCC_ERROR_INVALID_HANDLE);
    EXPECT(!called && live_tokens() == before && callback.unregister() == DCC_CALLBACK_DONE);
}

void it_is_called_at_once_if_that_was_before()
{
    dcc::token token = dcc::token::create();
    token.cancel();
    bool called = false;
    dcc::cancel_callback callback(token, [&called] { called = true; });
    EXPECT(called);
    EXPECT(callback.unregister() == DCC_CALLBACK_DONE);
}

void it_is_not_called_once_destroyed_or_unregistered()
{
    dcc::token token = dcc::token::create();
    bool called = false;
    const auto call = [&called] { called = true; };
    {
        dcc::cancel_callback callback(token, call);
    }
    dcc::cancel_callback callback(token, call);
    EXPECT(callback.unregister() == DCC_OK);
    EXPECT(callback.unregister() == DCC_OK); // nothing happens
    dcc::cancel_callback never(dcc::token(), call);
    token.cancel();
    EXPECT(!called);
}

void the_newest_is_called_first()
{
    dcc::token token = dcc::token::create();
    std::string order;
    dcc::cancel_callback first(token, [&order] { order += "first "; });
    dcc::cancel_callback second(token, [&order] { order += "second "; });
    token.cancel();
    EXPECT(order == "second first ");
}

void callables_may_be_move_only_or_references()
{
    dcc::token token = dcc::token::create();
    int value = 0;
    auto seven = std::make_unique<int>(7);
    dcc::cancel_callback moved(token, [&value, seven = std::move(seven)] { value += *seven; });
    auto add = [&value] { value += 10; };
    dcc::cancel_callback<decltype(add) &> referred(token, add);
    token.cancel();
    EXPECT(value == 17);
}

void captures_live_as_long_as_the_object()
{
    dcc::token token = dcc::token::create();
    auto captured = std::make_shared<int>(1);
    {
        dcc::cancel_callback callback(token, [captured] { ++*captured; });
        token.cancel();
        EXPECT(*captured == 2 && captured.use_count() == 2);
    }
    EXPECT(captured.use_count() == 1);
}

void captures_are_let_go_when_it_is_unregistered()
{
    dcc::token token = dcc::token::create();
    auto captured = std::make_shared<int>(1);
    dcc::cancel_callback callback(token, [captured] {});
    token.reset();
    EXPECT(captured.use_count() == 2);
    callback.unregister();
    EXPECT(captured.use_count() == 1);
}

struct destroys_itself {
    std::optional<dcc::cancel_callback<destroys_itself>> *object;
    std::shared_ptr<std::string> captured;

    void operator()()
    {
        object->reset();
        // The object is destroyed, and the captures still exist.
        EXPECT(captured.use_count() == 2);
        *captured += " and after";
    }
};

void a_callable_that_destroys_its_object_keeps_its_captures()
{
    dcc::token token = dcc::token::create();
    auto text = std::make_shared<std::string>("before");
    std::optional<dcc::cancel_callback<destroys_itself>> object;
    object.emplace(token, destroys_itself{&object, text});
    token.cancel();
    EXPECT(!object && *text == "before and after" && text.use_count() == 1);
}

void destroying_waits_for_a_call_on_another_thread()
{
    dcc::token token = dcc::token::create();
    gate running;
    int written = 0; // not atomic: the wait is what orders it
    std::optional<dcc::cancel_callback<std::function<void()>>> object;
    object.emplace(token, [&] {
        running.open();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        written = 1;
    });
    std::thread canceller([token] { token.cancel(); });
    running.wait();
    object.reset();
    EXPECT(written == 1);
    canceller.join();
}

// Two callables on two threads destroy each other's callback object. std::stop_callback would hang.
void a_ring_of_waits_is_left()
{
    dcc::token first = dcc::token::create();
    dcc::token second = dcc::token::create();
    gate first_runs;
    gate second_runs;
    using object = std::optional<dcc::cancel_callback<std::function<void()>>>;
    object of_first;
    object of_second;
    auto captured = std::make_shared<int>(0);
    of_first.emplace(first, [&, captured] {
        first_runs.open();
        second_runs.wait();
        of_second.reset();
        EXPECT(captured.use_count() > 1);
    });
    of_second.emplace(second, [&, captured] {
        second_runs.open();
        first_runs.wait();
        of_first.reset();
        EXPECT(captured.use_count() > 1);
    });
    std::thread other([first] { first.cancel(); });
    second.cancel();
    other.join();
    EXPECT(!of_first && !of_second && captured.use_count() == 1);
}

void an_asynchronous_cancel_calls_it_elsewhere()
{
    dcc::token token = dcc::token::create();
    gate called;
    std::thread::id where;
    dcc::cancel_callback callback(token, [&] {
        where = std::this_thread::get_id();
        called.open();
    });
    EXPECT(token.cancel_async("closed") && !token.cancel_async());
    EXPECT(token.is_cancelled() && token.reason() == "closed");
    called.wait();
    EXPECT(where != std::this_thread::get_id());
}

#if DCC_CANCEL_EXCEPTIONS

std::string told;

void tell(std::exception_ptr thrown) noexcept
{
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception &exception) {
        told += exception.what();
    } catch (...) {
        told += "strange";
    }
}

void what_it_throws_is_reported_and_stops_nothing()
{
    dcc::token token = dcc::token::create();
    bool called = false;
    dcc::cancel_callback last(token, [&called] { called = true; });
    dcc::cancel_callback strange(token, [] { throw 7; });
    dcc::cancel_callback failing(token, [] { throw std::runtime_error("no window, "); });
    const dcc::exception_handler before = dcc::set_callback_exception_handler(tell);
    EXPECT(token.cancel());
    EXPECT(told == "no window, strange" && called);
    EXPECT(dcc::set_callback_exception_handler(nullptr) == tell);
    EXPECT(dcc::set_callback_exception_handler(nullptr) == before);

    // The test that runs this program reads stderr.
    dcc::cancel_callback printed(token, [] { throw std::runtime_error("the socket is gone"); });
}

struct copies_never {
    copies_never() = default;
    copies_never(const copies_never &) { throw std::runtime_error("no copy"); }
    void operator()() const { EXPECT(false); }
};

void a_callable_that_cannot_be_copied_in_leaves_nothing_behind()
{
    dcc::token token = dcc::token::create();
    const copies_never callable;
    bool thrown = false;
    try {
        dcc::cancel_callback<copies_never> callback(token, callable);
    } catch (const std::runtime_error &) {
        thrown = true;
    }
    EXPECT(thrown);
    token.cancel();
}

#endif

} // namespace

int main()
{
    it_is_called_once_by_whoever_cancels();
    it_keeps_its_token();
    a_deadline_takes_the_place_of_another();
    it_keeps_its_token_for_a_deadline();
    what_only_callbacks_hold_is_gone();
    it_is_called_at_once_if_that_was_before();
    it_is_not_called_once_destroyed_or_unregistered();
    the_newest_is_called_first();
    callables_may_be_move_only_or_references();
    captures_live_as_long_as_the_object();
    captures_are_let_go_when_it_is_unregistered();
    a_callable_that_destroys_its_object_keeps_its_captures();
    destroying_waits_for_a_call_on_another_thread();
    a_ring_of_waits_is_left();
    an_asynchronous_cancel_calls_it_elsewhere();
#if DCC_CANCEL_EXCEPTIONS
    what_it_throws_is_reported_and_stops_nothing();
    a_callable_that_cannot_be_copied_in_leaves_nothing_behind();
#endif
    return 0;
}
