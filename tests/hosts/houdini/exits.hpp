// Scenario: Houdini exits while jobs are queued and running, and the plugin is unloaded.
#ifndef DCC_TESTS_HOUDINI_EXITS_HPP
#define DCC_TESTS_HOUDINI_EXITS_HPP

#include <UT/UT_Exit.h>

#include "pumps.hpp"

namespace exits {

inline void never_runs()
{
    const bool it_runs = true;
    EXPECT(!it_runs);
}

inline void run()
{
    pumps::find_symbols();
    host::start_event_loop();
    auto smooth = std::make_unique<smooth_node>("running", 60, 20);
    dcc::dispatcher queue = pumps::queue();

    std::vector<dcc::job_state> ends;
    dcc::post_options options;
    options.completion = [&, main = std::this_thread::get_id()](const dcc::job &, dcc::job_state end) {
        EXPECT(std::this_thread::get_id() == main);
        ends.push_back(end);
    };
    for (int number = 0; number < 3; ++number)
        queue.post("Never runs", never_runs, options);
    const dcc::job cook_that_waits = pumps::cook_by_agent("/obj/running");

    // A cook on another thread, held in its middle until the exit is over.
    gate is_over;
    dcc::job cook;
    bool was_whole = true;
    {
        gate reached;
        held_cook held(chunks_of_cook(60 * 60, 20) / 2, [&](held_cook &) {
            cook = find_by_label("/obj/running");
            reached.open();
            is_over.wait();
        });
        std::thread worker([&] { was_whole = smooth->cook(); });
        reached.wait();
        UT_Exit::runExitCallbacks();
        is_over.open();
        worker.join();
    }
    EXPECT(!was_whole);
    EXPECT(smooth->error() == "Cancelled: Houdini exits");
    EXPECT(smooth->is_untouched());
    EXPECT(cook_that_waits.state() == dcc::job_state::interrupted);
    EXPECT(ends == std::vector<dcc::job_state>(3, dcc::job_state::interrupted));
    EXPECT(host::event_generators() == 0);

    // From now on all calls are refused, and nothing crashes.
    EXPECT(pumps::main_thread() == nullptr);
    dcc_job *job = nullptr;
    EXPECT(pumps::post_cook("/obj/running", nullptr, &job) == DCC_ERROR_SHUTDOWN && job == nullptr);
    pumps::pump(8);
    dcc::job refused;
    EXPECT(queue.try_post(refused, "Too late", [] {}) == DCC_ERROR_SHUTDOWN);
    EXPECT(!smooth->cook());
    EXPECT(smooth->error().find("dcc_cancel is closed") == 0);
    UT_Exit::runExitCallbacks();

    smooth.reset();
    EXPECT(host::unload_plugin());
    // The objects that agents still hold have no functions of the plugin.
    EXPECT(cook.is_cancelled() && !cook.cancel("again"));
    EXPECT(!cook_that_waits.cancel());
    queue.reset();
}

// Cooks on three threads and posts on two, again and again, while the exit comes.
inline void run_while_all_is_going_on()
{
    pumps::find_symbols();
    host::start_event_loop();
    smooth_node nodes[] = {{"one", 20, 20}, {"two", 20, 20}, {"three", 20, 20}};
    std::atomic<int> cooked{0}, posted{0};
    std::vector<dcc::job> accepted[2];
    std::vector<std::thread> threads;
    for (smooth_node &node : nodes) {
        threads.emplace_back([&node, &cooked] {
            while (node.cook()) {
                EXPECT(node.is_right());
                ++cooked;
            }
            EXPECT(node.is_untouched());
            EXPECT(node.error() == "Cancelled: Houdini exits" ||
                   node.error().find("dcc_cancel is closed") == 0);
        });
    }
    for (std::vector<dcc::job> &jobs : accepted) {
        threads.emplace_back([&jobs, &posted] {
            dcc_status status = DCC_OK;
            while (status == DCC_OK || status == DCC_ERROR_OVERLOADED) {
                dcc_job *job = nullptr;
                status = pumps::post_cook("/obj/nowhere", nullptr, &job);
                if (status == DCC_OK)
                    jobs.push_back(dcc::job::adopt(job));
                else
                    std::this_thread::yield();
                ++posted;
            }
            EXPECT(status == DCC_ERROR_SHUTDOWN);
        });
    }
    while (cooked < 10 || posted < 100)
        host::turn_event_loop();
    UT_Exit::runExitCallbacks();
    for (std::thread &thread : threads)
        thread.join();
    for (const std::vector<dcc::job> &jobs : accepted)
        for (const dcc::job &job : jobs)
            EXPECT(job.state() == dcc::job_state::failed ||
                   job.state() == dcc::job_state::interrupted);
}

// An agent's job asks Houdini to exit, which ends the process.
inline void run_inside_a_job()
{
    pumps::find_symbols();
    host::start_event_loop();
    const smooth_node smooth("some", 5, 1);
    pumps::queue().post("Exit", [] { UT_Exit::exit(); });
    pumps::queue().post("Never runs", never_runs);
    host::turn_event_loop();
    const bool houdini_goes_on = true;
    EXPECT(!houdini_goes_on);
}

} // namespace exits

#endif
