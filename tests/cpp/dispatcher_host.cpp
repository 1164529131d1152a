// The functions that a host gives its dispatcher: wake, veto, progress and execute; and the close of their
// owner. Also compiled without exceptions and RTTI.

#include "dcc_cancel.hpp"
#include "expect.hpp"
#include "gate.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

const std::thread::id home = std::this_thread::get_id();

void the_host_is_woken_once_from_pump_to_pump()
{
    int wakes = 0;
    dcc::dispatcher_options options;
    options.wake = [&wakes] { ++wakes; };
    dcc::dispatcher queue = dcc::dispatcher::create(std::move(options));
    queue.post("", [] {});
    queue.post("", [] {});
    EXPECT(wakes == 1);
    queue.pump(dcc::no_limit, 1);
    EXPECT(wakes == 2); // one is left
    queue.pump_all();
    EXPECT(wakes == 2);
}

void a_veto_lets_nothing_run()
{
    bool is_busy = true;
    dcc::dispatcher_options options;
    options.veto = [&is_busy] { return is_busy; };
    dcc::dispatcher queue = dcc::dispatcher::create(std::move(options));
    bool ran = false;
    queue.post("", [&ran] { ran = true; });
    EXPECT(queue.pump_all().is_vetoed && !ran);
    is_busy = false;
    EXPECT(!queue.pump_all().is_vetoed && ran);
}

void progress_is_shown_with_its_job()
{
    std::string shown;
    dcc::dispatcher_options options;
    options.progress_interval = 1ns;
    options.progress = [&shown](const dcc::job &job, dcc::job_progress info) {
        shown += job.label() + " " + std::to_string(info.done) + "/" + std::to_string(info.total) +
                 " " + job.progress_message() + ", ";
    };
    dcc::dispatcher queue = dcc::dispatcher::create(std::move(options));
    queue.post("weld", [done = 0u](const dcc::job &job) mutable {
        job.set_progress(++done, 2, "edges");
        return done < 2 ? dcc::step::again : dcc::step::done;
    });
    queue.pump_all();
    EXPECT(shown == "weld 1/2 edges, ");
    queue.pump_all();
    EXPECT(shown == "weld 1/2 edges, weld 2/2 edges, ");
}

void the_hosts_own_pool_runs_jobs_or_refuses_them()
{
    std::vector<dcc::pool_task> pool;
    bool has_room = true;
    dcc::dispatcher_options options;
    options.execute = [&](dcc::pool_task task) {
        if (has_room)
            pool.push_back(task);
        return has_room;
    };
    dcc::dispatcher queue = dcc::dispatcher::create(std::move(options));
    std::thread::id ran_on;
    dcc::post_options elsewhere;
    elsewhere.any_thread = true;
    const dcc::job job =
        queue.post("", [&ran_on] { ran_on = std::this_thread::get_id(); }, elsewhere);
    EXPECT(pool.size() == 1);
    std::thread worker(pool.front());
    const std::thread::id expected = worker.get_id();
    worker.join();
    EXPECT(ran_on == expected);
    queue.pump_all();
    EXPECT(job.state() == dcc::job_state::completed);
    has_room = false;
    dcc::job refused;
    EXPECT(queue.try_post(refused, "", [] {}, elsewhere) == DCC_ERROR_OVERLOADED && !refused);
}

void what_it_keeps_goes_when_the_dispatcher_is_gone()
{
    const auto kept = std::make_shared<int>(0);
    const auto options = [&kept] {
        dcc::dispatcher_options result;
        result.keep_alive = kept;
        result.wake = [kept] {};
        return result;
    };
    {
        dcc::dispatcher queue = dcc::dispatcher::create(options());
        EXPECT(kept.use_count() == 3);
        dcc::dispatcher other = queue;
        queue.reset();
        EXPECT(kept.use_count() == 3);
    }
    EXPECT(kept.use_count() == 1);
    // They are destroyed, too, if the dispatcher could not be created.
    dcc::dispatcher_options wrong = options();
    wrong.capacity = DCC_MAX_CAPACITY + 1;
    dcc::dispatcher none = dcc::dispatcher::create();
    EXPECT(dcc::dispatcher::try_create(none, std::move(wrong)) == DCC_ERROR_INVALID_ARGUMENT);
    EXPECT(!none && kept.use_count() == 1);
}

void closing_an_owner_destroys_its_callables_uncalled()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    dcc::owner plugin = dcc::owner::create();
    const auto kept = std::make_shared<int>(0);
    dcc::post_options options;
    options.owner = &plugin;
    int told = 0;
    options.completion = [&told, kept](const dcc::job &, dcc::job_state state) {
        EXPECT(state == dcc::job_state::interrupted);
        ++told;
    };
    const dcc::job job = queue.post("", [kept] { EXPECT(false); }, options);
    options.completion = nullptr;
    EXPECT(kept.use_count() == 3);
    EXPECT(plugin.close() == DCC_OK);
    EXPECT(kept.use_count() == 1 && told == 1 && job.state() == dcc::job_state::interrupted);
    EXPECT(queue.pump_all().executed == 0);
}

void closing_the_hosts_owner_shuts_its_dispatcher_down()
{
    const auto kept = std::make_shared<int>(0);
    dcc::owner plugin = dcc::owner::create();
    dcc::dispatcher_options options;
    options.owner = &plugin;
    int wakes = 0;
    options.wake = [&wakes, kept] { ++wakes; };
    dcc::dispatcher queue = dcc::dispatcher::create(std::move(options));
    EXPECT(plugin.close() == DCC_OK);
    EXPECT(kept.use_count() == 1 && queue.stats().is_closed);
    const int before = wakes;
    dcc::job job;
    EXPECT(queue.try_post(job, "", [] {}) == DCC_ERROR_SHUTDOWN && wakes == before);
}

// The close waits for a wake that runs on another thread, and destroys it afterwards.
void closing_the_hosts_owner_waits_for_its_functions()
{
    const auto kept = std::make_shared<std::atomic<int>>(0);
    dcc::owner plugin = dcc::owner::create();
    gate running;
    dcc::dispatcher_options options;
    options.owner = &plugin;
    options.wake = [&running, kept] {
        running.open();
        std::this_thread::sleep_for(50ms);
        EXPECT(kept.use_count() >= 2); // its captures are still there
        ++*kept;
    };
    dcc::dispatcher queue = dcc::dispatcher::create(std::move(options));
    std::thread poster([queue] {
        dcc::job job;
        queue.try_post(job, "", [] {});
    });
    running.wait();
    EXPECT(plugin.close() == DCC_OK);
    EXPECT(*kept >= 1 && kept.use_count() == 1);
    poster.join();
}

// A cancel on another thread wakes the host while the dispatcher is freed.
void its_functions_are_destroyed_after_their_last_call()
{
    const auto kept = std::make_shared<std::atomic<int>>(0);
    gate running;
    gate gone;
    dcc::dispatcher_options options;
    options.wake = [&, kept] {
        if (std::this_thread::get_id() == home)
            return;
        running.open();
        gone.wait();
        EXPECT(kept.use_count() >= 2); // its captures are still there
        ++*kept;
    };
    bool is_busy = true;
    options.veto = [&is_busy] { return is_busy; };
    dcc::dispatcher queue = dcc::dispatcher::create(std::move(options));
    const dcc::job job = queue.post("", [] {});
    EXPECT(queue.pump_all().is_vetoed); // so that the next thing to do wakes again
    is_busy = false;
    std::thread canceller([job] { job.cancel(); });
    running.wait();
    EXPECT(queue.pump_all().cancelled == 1);
    queue.reset();
    gone.open();
    canceller.join();
    EXPECT(*kept == 1 && kept.use_count() == 1);
}

} // namespace

int main()
{
    the_host_is_woken_once_from_pump_to_pump();
    a_veto_lets_nothing_run();
    progress_is_shown_with_its_job();
    the_hosts_own_pool_runs_jobs_or_refuses_them();
    what_it_keeps_goes_when_the_dispatcher_is_gone();
    closing_an_owner_destroys_its_callables_uncalled();
    closing_the_hosts_owner_shuts_its_dispatcher_down();
    closing_the_hosts_owner_waits_for_its_functions();
    its_functions_are_destroyed_after_their_last_call();
    return 0;
}
