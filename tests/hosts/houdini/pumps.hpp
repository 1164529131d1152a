// Scenario: Houdini's event loop runs agents' jobs between events.
#ifndef DCC_TESTS_HOUDINI_PUMPS_HPP
#define DCC_TESTS_HOUDINI_PUMPS_HPP

#include "../../../examples/hosts/houdini/dcc_houdini.h"
#include "cook.hpp"

namespace pumps {

inline decltype(&dcc_houdini_main_thread) main_thread;
inline decltype(&dcc_houdini_post_cook) post_cook;
inline decltype(&dcc_houdini_pump) pump;

inline void find_symbols()
{
    const auto find = [](auto &function, const char *name) {
        function = reinterpret_cast<std::decay_t<decltype(function)>>(host::plugin_symbol(name));
        EXPECT(function != nullptr);
    };
    find(main_thread, "dcc_houdini_main_thread");
    find(post_cook, "dcc_houdini_post_cook");
    find(pump, "dcc_houdini_pump");
}

inline dcc::dispatcher queue() { return dcc::dispatcher::adopt(main_thread()); }

inline dcc::job cook_by_agent(const char *path, const dcc::token &parent = {})
{
    dcc_job *job = nullptr;
    EXPECT(post_cook(path, parent.get(), &job) == DCC_OK);
    return dcc::job::adopt(job);
}

inline void busy_for(std::chrono::milliseconds time)
{
    const auto end = host::clock::now() + time;
    while (host::clock::now() < end) {
    }
}

inline void installed_when_there_is_a_loop()
{
    EXPECT(host::event_generators() == 0);
    host::start_event_loop();
    smooth_node first("first", 3, 1);
    EXPECT(host::event_generators() == 1);
    smooth_node second("second", 3, 1);
    EXPECT(host::event_generators() == 1);
}

inline void under_a_budget()
{
    constexpr int count = 12;
    std::atomic<int> runs{0};
    const std::thread::id main = std::this_thread::get_id();
    std::thread([&] {
        for (int number = 0; number < count; ++number) {
            queue().post("3 ms", [&, main] {
                EXPECT(std::this_thread::get_id() == main);
                busy_for(std::chrono::milliseconds(3));
                ++runs;
            });
        }
    }).join();
    int turns = 0;
    for (; runs < count; ++turns) {
        const int before = runs;
        host::turn_event_loop();
        // The budget is 8 ms, so a fourth job does not begin.
        EXPECT(runs > before && runs - before <= 3);
    }
    EXPECT(turns >= count / 3);

    // A job in slices gets one slice in each turn.
    int slices = 0;
    const dcc::job job = queue().post("Slices", [&slices] {
        return ++slices < 5 ? dcc::step::again : dcc::step::done;
    });
    for (int turn = 1; turn <= 5; ++turn) {
        host::turn_event_loop();
        EXPECT(slices == turn);
    }
    EXPECT(job.state() == dcc::job_state::completed);

    // Without an event loop, as in hython, the script pumps.
    bool ran = false;
    queue().post("By hand", [&ran] { ran = true; });
    EXPECT(pump(8) == DCC_OK && ran);
    dcc_status within = DCC_OK;
    queue().post("Pumps again", [&within] { within = pump(8); });
    host::turn_event_loop();
    EXPECT(within == DCC_ERROR_REENTRANT);
}

inline void an_agent_cooks()
{
    smooth_node smooth("wanted", 60, 20);
    const int middle = chunks_of_cook(60 * 60, 20) / 2;
    const dcc::job whole = cook_by_agent("/obj/wanted");
    EXPECT(whole.label() == "Cook /obj/wanted");
    host::turn_event_loop();
    EXPECT(whole.state() == dcc::job_state::completed);
    EXPECT(smooth.is_right());

    // The agent has the id of its own job; the cook's job is the child of that job.
    const dcc::job stopped = cook_by_agent("/obj/wanted");
    {
        held_cook agent(middle, [&](held_cook &) {
            EXPECT(dcc::job::find(stopped.id()).cancel("the agent gave up"));
        });
        host::turn_event_loop();
    }
    EXPECT(stopped.state() == dcc::job_state::cancelled);
    EXPECT(smooth.error() == "Cancelled: the agent gave up");
    EXPECT(smooth.is_untouched());

    // The stop comes by the token of the request, and by Esc.
    const dcc::token request = dcc::token::create();
    const dcc::job of_request = cook_by_agent("/obj/wanted", request);
    {
        held_cook agent(middle, [&](held_cook &) { request.cancel("request 8"); });
        host::turn_event_loop();
    }
    EXPECT(of_request.state() == dcc::job_state::cancelled);
    EXPECT(smooth.is_untouched());

    const dcc::job escaped = cook_by_agent("/obj/wanted");
    {
        held_cook user(middle, [](held_cook &) {
            wait_for_a_question_to_be_due();
            host::press_esc();
        });
        host::turn_event_loop();
    }
    EXPECT(escaped.state() == dcc::job_state::cancelled);
    EXPECT(escaped.token().reason() == "Interrupted by the user");

    // A job that is cancelled while it is queued never runs.
    const dcc::job waiting = cook_by_agent("/obj/wanted");
    EXPECT(waiting.cancel());
    host::forget_questions();
    host::turn_event_loop();
    EXPECT(waiting.state() == dcc::job_state::cancelled);
    EXPECT(host::questions().empty());

    const dcc::job lost = cook_by_agent("/obj/nowhere");
    host::turn_event_loop();
    EXPECT(lost.state() == dcc::job_state::failed);
    EXPECT(lost.failure() == "There is no node /obj/nowhere to cook; give the full path of one.");

    dcc_job *job = nullptr;
    EXPECT(post_cook(nullptr, nullptr, &job) == DCC_ERROR_INVALID_ARGUMENT);
    EXPECT(post_cook("/obj/wanted", nullptr, nullptr) == DCC_ERROR_INVALID_ARGUMENT);
    EXPECT(smooth.cook() && smooth.is_right());
}

inline void run()
{
    find_symbols();
    installed_when_there_is_a_loop();
    under_a_budget();
    an_agent_cooks();
}

} // namespace pumps

#endif
