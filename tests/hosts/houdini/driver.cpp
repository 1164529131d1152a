// Drives the Houdini example, in the roles of Houdini's user, main thread and agents: driver PLUGIN SCENARIO.

#include <cstdio>
#include <cstring>

#include "cooks.hpp"
#include "exits.hpp"
#include "pumps.hpp"

namespace {

// Measures how long a cook goes on after it was stopped in its middle, and how long a whole cook takes.
// Without its polls the plugin is not stopped; then this prints how long it went on, and fails.
void measures()
{
    constexpr GA_Index side = 300;
    constexpr exint iterations = 500;
    const int middle = chunks_of_cook(side * side, iterations) / 2;
    smooth_node smooth("measured", side, iterations);
    const auto begin = host::clock::now();
    EXPECT(smooth.cook());
    const std::chrono::duration<double, std::milli> whole = host::clock::now() - begin;

    const auto stop = [&](const char *what, auto act) {
        held_cook somebody(middle, act);
        const bool was_completed = smooth.cook();
        const bool was_stopped =
            !was_completed && somebody.chunks() < chunks_of_cook(side * side, iterations);
        std::printf("FIGURE houdini %s to return: %.1f ms; whole cook: %.0f ms%s\n", what,
                    somebody.milliseconds_since(), whole.count(),
                    was_stopped ? "" : " (without its polls)");
        return was_stopped;
    };
    const bool esc = stop("Esc", [](held_cook &) { host::press_esc(); });
    const bool cancel = stop("cancel", [](held_cook &held) {
        const dcc::job job = find_by_label("/obj/measured");
        held.measure_from_now();
        EXPECT(job.cancel("measured"));
    });
    const bool was_stopped = esc && cancel;
    EXPECT(was_stopped);
    EXPECT(smooth.is_untouched());
}

} // namespace

int main(int argc, char **argv)
{
    EXPECT(argc == 3);
    host::load_plugin(argv[1]);
    EXPECT(host::sop_operators().myOperators.size() == 1);
    const auto is = [scenario = argv[2]](const char *name) { return std::strcmp(scenario, name) == 0; };
    if (is("cooks"))
        cooks::run();
    else if (is("measures"))
        measures();
    else if (is("pumps"))
        pumps::run();
    else if (is("exits"))
        exits::run();
    else if (is("exits_while_all_is_going_on"))
        exits::run_while_all_is_going_on();
    else if (is("exits_inside_a_job"))
        exits::run_inside_a_job();
    else
        return 2;
    return 0;
}
