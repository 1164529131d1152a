// Scenario: Houdini exits while jobs wait and run, and the plugin's code goes.
#ifndef DCC_TESTS_HOUDINI_EXITS_HPP
#define DCC_TESTS_HOUDINI_EXITS_HPP

#include <UT/UT_Exit.h>

#include "pumps.hpp"

namespace exits {

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
        queue.post("Never runs", [] { EXPECT(!"it runs"); }, options);
    const dcc::job cook_that_waits = pumps::cook_by_agent("/obj/running");

    // A cook on another thread, held in its middle until the exit is over.
    gate is_over;
    dcc::job cook;
    bool was_whole = true;
    {
        gate reached;
        after_chunks held(chunks_of_cook(60 * 60, 20) / 2, [&](host::clock::time_point &) {
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

    // From now on everybody is refused, and nobody crashes.
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
    // What agents still hold belongs to nobody's code.
    EXPECT(cook.is_cancelled() && !cook.cancel("again"));
    EXPECT(!cook_that_waits.cancel());
    queue.reset();
}

// Ends the process: an agent's job asks Houdini to exit.
inline void run_inside_a_job()
{
    pumps::find_symbols();
    host::start_event_loop();
    const smooth_node smooth("some", 5, 1);
    pumps::queue().post("Exit", [] { UT_Exit::exit(); });
    pumps::queue().post("Never runs", [] { EXPECT(!"it runs"); });
    host::turn_event_loop();
    EXPECT(!"Houdini goes on");
}

} // namespace exits

#endif
