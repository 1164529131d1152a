// This file needs C++20.
#include "coroutine_page.hpp"

#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

namespace demo {
namespace {

constexpr int frames_wanted = 60;

struct shown {
    int frames = 0;        // frames that the UI has drawn
    int idle_frames = 0;   // those of them in whose tick the work made no step
    std::uint64_t steps = 0;
    std::uint64_t steps_before = 0;
};

// Moves each vertex a little, again and again, until the UI has drawn `frames_wanted` frames. It never waits
// for the UI, so the UI can draw only because the coroutine gives the tick back.
dcc::task<> relax(std::vector<double> &positions, shown &seen)
{
    const std::vector<double> before = positions;
    try {
        while (seen.frames < frames_wanted) {
            for (std::size_t at = 3; at < positions.size(); ++at) {
                positions[at] += (positions[at - 3] - positions[at]) / 1024;
                ++seen.steps;
                co_await dcc::slice(); // goes on in the next tick if the share of this one is used up
            }
        }
    } catch (const dcc::cancelled_error &) {
        positions = before;
        throw; // so the job ends as cancelled
    }
}

struct played {
    shown seen = {};
    dcc::job_state end = dcc::job_state::none;
    std::chrono::nanoseconds lasted = {};
    std::chrono::nanoseconds longest_tick = {};
};

// Posts the work and runs the UI. The user cancels the job in frame `cancel_in_frame`.
played play(stage &stage, std::vector<double> &positions, int cancel_in_frame)
{
    played result;
    dcc::post_options options;
    options.completion = [&result](const dcc::job &, dcc::job_state state) { result.end = state; };
    const auto began = ui_loop::clock::now();
    shown &seen = result.seen;
    const dcc::job job = stage.ui.jobs().post("relax, as a coroutine", relax(positions, seen), options);
    stage.ui.run([&] {
        seen.idle_frames += seen.steps == seen.steps_before && result.end == dcc::job_state::none;
        seen.steps_before = seen.steps;
        if (++seen.frames == cancel_in_frame)
            job.cancel("the user pressed Esc");
    });
    result.lasted = ui_loop::clock::now() - began;
    result.longest_tick = stage.ui.longest_tick();
    return result;
}

void print(const played &result)
{
    const double seconds = std::chrono::duration<double>(result.lasted).count();
    std::printf("    %d frames, %.1f a second; %s steps; longest tick %s\n", result.seen.frames,
                result.seen.frames / seconds, grouped(result.seen.steps).c_str(),
                duration(result.longest_tick).c_str());
}

} // namespace

void work_beside_the_ui(stage &stage)
{
    std::printf("\nA coroutine on the UI thread: co_await dcc::slice() gives the tick back\n"
                "  It works until the UI has drawn %d frames, and never waits for that:\n",
                frames_wanted);
    std::vector<double> positions = stage.input.positions;
    const played whole = play(stage, positions, 0);
    print(whole);
    stage.told.same("coroutine", name(dcc::job_state::completed), name(whole.end));
    stage.told.check(whole.seen.frames >= frames_wanted, "the UI drew while the coroutine worked");
    stage.told.check(whole.seen.idle_frames == 0, "and the coroutine got on in each tick");

    std::printf("  The user presses Esc in frame %d:\n", frames_wanted / 2);
    positions = stage.input.positions;
    const played cancelled = play(stage, positions, frames_wanted / 2);
    print(cancelled);
    stage.told.same("coroutine", name(dcc::job_state::cancelled), name(cancelled.end));
    stage.told.check(cancelled.seen.frames == frames_wanted / 2 + 1, "it stopped in the next tick");
    stage.told.check(positions == stage.input.positions, "and its cancelled_error rolled the mesh back");
}

} // namespace demo
