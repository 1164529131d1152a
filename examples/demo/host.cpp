// The demo's host: a UI loop that lets a plugin work on a mesh, and someone else cancel it. The
// scenes are in scenes.cpp; `cargo run --release --example demo` builds and runs it all.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iterator>
#include <stdexcept>
#include <string>

#include "dcc_cancel.hpp"
#include "gap_page.hpp"
#include "loaded_plugin.hpp"
#include "obj_file.hpp"
#include "scenes.hpp"

namespace {

using namespace demo;

constexpr int exit_unexpected = 1;
constexpr int exit_bad_input = 2;

// As many passes as make a job take about 1.5 seconds of ticks, however large the mesh and fast
// the machine: enough to cancel it half-way. More passes take smaller steps.
smoothing_plan measured_plan(const loaded_plugin &plugin, const mesh &input)
{
    constexpr double work_ns = 90.0 * slice_ns;
    constexpr std::uint64_t endless = 1'000'000'000;
    constexpr std::uint64_t fewest = 6;
    smoothing_job trial(plugin, input, {endless, 4.0}, "trial");
    double visits_per_ns = 0.0; // the best, because other programs may disturb
    for (int repeat = 0; repeat < 10; ++repeat) {
        const std::uint64_t before = trial.latest_slice().visits;
        const std::uint64_t start = dcc_clock_now_ns();
        trial.run_slice();
        const std::uint64_t visits = trial.latest_slice().visits - before;
        visits_per_ns = std::max(visits_per_ns, static_cast<double>(visits) /
                                                    static_cast<double>(dcc_clock_now_ns() - start));
    }
    const double passes = work_ns * visits_per_ns / static_cast<double>(input.vertex_count());
    return {std::max(fewest, static_cast<std::uint64_t>(passes)), 4.0};
}

void introduce(const std::string &path, const stage &stage)
{
    std::printf("dcc-cancel demo: stop a native plugin's long job on a host's UI thread\n\n");
    std::printf("  library  %s\n", dcc_version_string());
    std::printf("  mesh     %s: %s vertices, %s triangles\n", path.c_str(),
                grouped(stage.input.vertex_count()).c_str(),
                grouped(stage.input.triangle_count()).c_str());
    std::printf("  plugin   smooths it in %s passes, %d ms in each of 60 ticks a second,\n",
                grouped(stage.plan.passes).c_str(), static_cast<int>(slice_ns / 1'000'000));
    std::printf("           and asks before every vertex whether to stop\n");
}

int play_all(const std::string &plugin_path, const std::string &output_folder,
             const std::string &path)
{
    const mesh input = read_obj(path);
    const loaded_plugin plugin(plugin_path);
    stage stage{plugin, input, measured_plan(plugin, input), output_folder};
    introduce(path, stage);
    const summary_line lines[] = {cancel_half_way(stage), cancel_after_the_end(stage),
                                  cancel_the_middle_one(stage)};
    show_poll_gaps(stage);

    std::printf("\nSummary    %-33s %s\n", "expected", "seen");
    ui_loop::clock::duration longest = {};
    for (std::size_t scene = 0; scene < std::size(lines); ++scene) {
        std::printf("  scene %zu  %-33s %s\n", scene + 1, lines[scene].expected.c_str(),
                    lines[scene].seen.c_str());
        longest = std::max(longest, lines[scene].longest_tick);
    }
    std::printf("  %s polls in all; the UI was kept busy for %s at most (a tick is %s)\n",
                grouped(stage.polls).c_str(),
                duration(static_cast<std::uint64_t>(std::chrono::nanoseconds(longest).count()))
                    .c_str(),
                duration(static_cast<std::uint64_t>(ui_loop::period.count())).c_str());
    if (stage.told.wrong() != 0) {
        std::printf("\n%d of %d checks went WRONG.\n", stage.told.wrong(), stage.told.checks());
        return exit_unexpected;
    }
    std::printf("\nAll %d checks went as expected.\n", stage.told.checks());
    return 0;
}

} // namespace

int main(int count, char **arguments)
{
    try {
        if (count != 4) {
            std::fprintf(stderr, "usage: %s plugin output-folder file.obj\n", arguments[0]);
            return exit_bad_input;
        }
        if (std::strcmp(dcc_version_string(), DEMO_LIBRARY_VERSION) != 0)
            throw std::runtime_error(std::string("another library was loaded: ") +
                                     dcc_version_string());
        return play_all(arguments[1], arguments[2], arguments[3]);
    } catch (const obj_error &wrong) {
        std::fprintf(stderr, "demo: %s\n", wrong.what());
        return exit_bad_input;
    } catch (const std::exception &failure) {
        std::fprintf(stderr, "demo: %s\n", failure.what());
        return exit_unexpected;
    }
}
