// Owners: after the close of an owner none of its functions is called again. Also compiled without exceptions
// and RTTI.

#include "dcc_cancel.hpp"
#include "expect.hpp"
#include "gate.hpp"

#include <memory>
#include <thread>

namespace {

void closing_drops_the_callbacks()
{
    dcc::token token = dcc::token::create();
    dcc::owner plugin = dcc::owner::create();
    bool called = false;
    dcc::cancel_callback callback(token, [&called] { called = true; }, plugin);
    EXPECT(plugin && plugin.close() == DCC_OK && !plugin);
    EXPECT(plugin.close() == DCC_OK); // nothing happens
    token.cancel();
    EXPECT(!called);
    EXPECT(callback.unregister() == DCC_CALLBACK_DONE);
}

void closing_waits_for_a_running_callback()
{
    dcc::token token = dcc::token::create();
    dcc::owner plugin = dcc::owner::create();
    gate running;
    int written = 0; // not atomic: the wait is what orders it
    const auto call = [&] {
        running.open();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        written = 1;
    };
    dcc::cancel_callback callback(token, call, plugin);
    std::thread canceller([token] { token.cancel(); });
    running.wait();
    EXPECT(plugin.close() == DCC_OK);
    EXPECT(written == 1);
    canceller.join();
}

void closing_from_inside_does_nothing_yet()
{
    dcc::token token = dcc::token::create();
    dcc::owner plugin = dcc::owner::create();
    const auto call = [&plugin] { EXPECT(plugin.close() == DCC_ERROR_WOULD_DEADLOCK && plugin); };
    dcc::cancel_callback callback(token, call, plugin);
    token.cancel();
    EXPECT(plugin.close() == DCC_OK && !plugin);
}

void moving_leaves_an_empty_one_and_assigning_closes()
{
    dcc::token token = dcc::token::create();
    int calls = 0;
    const auto call = [&calls] { ++calls; };
    dcc::owner first = dcc::owner::create();
    dcc::owner moved = std::move(first);
    EXPECT(!first && moved);
    dcc::cancel_callback dropped(token, call, moved);
    moved = dcc::owner::create();
    dcc::cancel_callback kept(token, call, moved);
    token.cancel();
    EXPECT(calls == 1);
}

void a_closed_owner_is_refused()
{
    dcc::token token = dcc::token::create();
    dcc::owner plugin = dcc::owner::create();
    dcc_owner *handle = plugin.get();
    EXPECT(plugin.close() == DCC_OK);
    dcc_registration *registration = nullptr;
    const auto function = [](const dcc_cancel_token *, void *) {};
    EXPECT(dcc_cancel_token_register(token.get(), function, nullptr, nullptr, handle,
                                     &registration) < 0);
}

// A plugin creates a callback while it is being closed: from inside the destroy-notify that the close runs,
// the callback is refused, and its callable is not lost.
void a_callback_made_while_closing_is_refused()
{
    dcc::token token = dcc::token::create();
    dcc::owner plugin = dcc::owner::create();
    auto captured = std::make_shared<int>(0);
    dcc_status answer = DCC_OK;
    struct registers_at_its_end {
        dcc::token token;
        dcc::owner &plugin;
        std::shared_ptr<int> captured;
        dcc_status &answer;

        ~registers_at_its_end()
        {
            auto copy = captured;
            const auto call = [copy] { EXPECT(false); };
#if DCC_CANCEL_EXCEPTIONS
            try {
                dcc::cancel_callback refused(token, call, plugin);
            } catch (const dcc::error &error) {
                answer = error.status();
            }
#else
            dcc::cancel_callback refused(token, call, plugin);
            answer = refused.status();
#endif
        }
    };
    dcc::job_options options;
    options.keep_alive = std::shared_ptr<const void>(
        new registers_at_its_end{token, plugin, captured, answer},
        [](const void *ended) { delete static_cast<const registers_at_its_end *>(ended); });
    options.owner = &plugin;
    dcc::job job = dcc::job::create(options);
    options = dcc::job_options();
    EXPECT(plugin.close() == DCC_OK);
    EXPECT(answer == DCC_ERROR_SHUTDOWN);
    EXPECT(captured.use_count() == 1);
    token.cancel();
}

void closing_ends_pending_jobs_and_asks_running_ones_no_more()
{
    dcc::owner plugin = dcc::owner::create();
    auto kept = std::make_shared<int>(0);
    int asked = 0;
    dcc::job_options options;
    options.is_cancelled = [&asked] {
        ++asked;
        return false;
    };
    options.keep_alive = kept;
    options.owner = &plugin;
    dcc::job pending = dcc::job::create(options);
    dcc::job running = dcc::job::create(options);
    options = dcc::job_options();
    running.begin();
    dcc::job_scope current(running);
    EXPECT(!dcc::is_cancelled() && asked == 1);
    EXPECT(plugin.close() == DCC_OK);
    EXPECT(pending.state() == dcc::job_state::interrupted);
    EXPECT(kept.use_count() == 1);
    EXPECT(!dcc::is_cancelled() && asked == 1);
    EXPECT(running.complete());
}

} // namespace

int main()
{
    closing_drops_the_callbacks();
    closing_waits_for_a_running_callback();
    closing_from_inside_does_nothing_yet();
    moving_leaves_an_empty_one_and_assigning_closes();
    a_closed_owner_is_refused();
    a_callback_made_while_closing_is_refused();
    closing_ends_pending_jobs_and_asks_running_ones_no_more();
    return 0;
}
