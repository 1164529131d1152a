// The wrapper compiles after macros that engines, toolkits and system headers are known to define. The
// standard headers come first, as they do in such projects.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <future>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>
#if __cplusplus >= 202002L
#include <coroutine>
#include <stop_token>
#endif

// Unreal
#define check(condition) static_cast<void>(condition)
#define verify(condition) static_cast<void>(condition)
#define ensure(condition) (condition)
#define TEXT(words) L##words
#define PI 3.14f
// X11
#define None 0L
#define Status int
#define Bool int
#define Always 2
#define Success 0
#define Complex 0
#define Above 0
#define Below 1
#define CurrentTime 0L
// Windows
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#define interface struct
#define small char
#define near
#define far
#define ERROR 0
#define IN
#define OUT
#define OPTIONAL
#define IGNORE 0
#define CALLBACK
#define PostMessage PostMessageW
#define GetMessage GetMessageW
// Qt
#define emit
#define signals public
#define slots
#define foreach for

#include "dcc_cancel.hpp"

// Templates are compiled only where they are used, so this uses all of them.
int main()
{
    dcc::token token;
    if (dcc::token::try_create(token) != DCC_OK)
        return 1;
    dcc::owner plugin;
    if (dcc::owner::try_create(plugin) != DCC_OK)
        return 1;
    bool called = false;
    dcc::cancel_callback callback(token, [&called] { called = true; }, plugin);
    dcc::deadline limit(token, std::chrono::hours(1));
    if (token.wait_for(std::chrono::seconds(0)) || !limit.clear())
        return 1;
    dcc::deadline clock_limit(token, std::chrono::system_clock::now() + std::chrono::hours(1));
    dcc::native_event event;
    if (token.try_native_event(event) != DCC_OK)
        return 1;
    dcc::stop_token stop = token;
    dcc::stop_callback stopped(stop, [] {});
#if defined(__cpp_lib_jthread)
    const dcc::std_stop_link linked(token);
    dcc::token_from(linked);
#endif
    const std::vector<dcc::token> parents = {token};
    dcc::token child;
    if (dcc::token::try_create(child, parents) != DCC_OK || std::hash<dcc::token>()(child) == 0)
        return 1;
    dcc::cancel_callback with_token(child, [](const dcc::token &) {});
    std::mutex mutex;
    std::condition_variable changed;
    std::unique_lock<std::mutex> lock(mutex);
    if (!dcc::wait(changed, lock, child, [] { return true; }) ||
        dcc::wait_for(changed, lock, child, std::chrono::seconds(0), [] { return false; }) ||
        dcc::wait_until(changed, lock, child, std::chrono::steady_clock::now(), [] { return false; }))
        return 1;
    {
        dcc::jthread worker([](dcc::stop_token) {});
        dcc::scope pieces;
        pieces.spawn([] { return true; });
        if (!pieces.join())
            return 1;
        dcc::cancel_guard guard(child);
        dcc::shield shielded;
        if (dcc::job().try_commit([] {}) != DCC_OK || !dcc::job().seal() || dcc::job().is_sealed())
            return 1;
        std::thread(dcc::with_context([] {})).join();
    }
    dcc::dispatcher_options host;
    host.wake = [] {};
    host.veto = [] { return false; };
    host.progress = [](const dcc::job &, dcc::job_progress) {};
    host.execute = [](dcc::pool_task) { return false; };
    dcc::dispatcher queue;
    if (dcc::dispatcher::try_create(queue, std::move(host)) != DCC_OK)
        return 1;
    dcc::post_options posting;
    posting.lane = dcc::lane::background;
    posting.deadline = dcc::no_limit;
    posting.completion = [](const dcc::job &, dcc::job_state) {};
    const dcc::job posted = queue.post("", [] { return dcc::step::done; }, posting);
#if DCC_CANCEL_EXCEPTIONS
    std::future<int> number = queue.async("", [](const dcc::job &) { return 7; });
#endif
    const dcc::tick tick = queue.pump(std::chrono::seconds(1));
    if (tick.completed == 0 || !queue.post_and_wait("", [] {}, dcc::no_limit))
        return 1;
    if (queue.stats().completed < 2 || !queue.longest_label().empty() || queue.find("none"))
        return 1;
    dcc::session session;
    if (dcc::session::try_create(session) != DCC_OK)
        return 1;
    const dcc::request request = session.begin("1");
    if (session.handle_message("{}") != dcc::message_outcome::other || session.stats().live != 1)
        return 1;
    if (session.is_cancelled(1) || session.clear(1) || session.sweep(std::chrono::hours(1)) != 0)
        return 1;
    if (!request.set_progress(1, 2, "half") || !request.progress_note().empty())
        return 1;
    if (request.end() != dcc::owed::result || !request.cancelled_reply().empty())
        return 1;
    dcc::token_scope current(token);
    dcc::poller cancelled;
    token.cancel("done");
    const bool ended = static_cast<bool>(dcc::wait_any({token}, std::chrono::seconds(1)));
    return called && ended && stop.stop_requested() && cancelled() && dcc::is_cancelled() ? 0 : 1;
}
