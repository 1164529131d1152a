// The demo's host: a UI loop that pumps a dispatcher with jobs of a plugin, and an agent on another thread
// that cancels them. The scenes are in scenes.cpp. `cargo run --release --example demo` builds and runs it.

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

#include "commit_page.hpp"
#include "coroutine_page.hpp"
#include "dcc_cancel.hpp"
#include "gap_page.hpp"
#include "loaded_plugin.hpp"
#include "obj_file.hpp"
#include "pool_page.hpp"
#include "scenes.hpp"
#include "steps_page.hpp"

namespace {

using namespace demo;

constexpr int exit_unexpected = 1;
constexpr int exit_bad_input = 2;

// As many passes as a job can do in about 1.5 seconds of ticks with this mesh on this machine, so that there
// is time to cancel it half-way. With more passes each step is smaller.
smoothing_plan measured_plan(const loaded_plugin &plugin, const mesh &input)
{
    constexpr double work_ns = 90.0 * usual_slice.count();
    constexpr std::uint64_t endless = 1'000'000'000;
    constexpr std::uint64_t fewest = 6;
    smoothing_job trial(plugin, input, {endless, 4.0}, "trial");
    double visits_per_ns = 0.0; // the best measurement, because other programs may disturb some
    for (int repeat = 0; repeat < 10; ++repeat) {
        const std::uint64_t before = trial.latest_slice().visits;
        const std::uint64_t start = dcc_clock_now_ns();
        trial.run_slice(usual_slice);
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
    std::printf("  plugin   smooths it in %s passes and asks before every vertex whether to stop\n",
                grouped(stage.plan.passes).c_str());
    std::printf("  host     60 ticks a second; each pumps a dispatcher, where jobs are posted\n");
}

dcc_latency latency(std::int32_t which)
{
    dcc_latency result = {};
    result.struct_size = sizeof result;
    dcc_stats_latency(which, &result);
    return result;
}

// Prints what the dispatcher and the library have counted during the scenes.
void show_figures(const stage &stage)
{
    const dcc::dispatcher_stats done = stage.ui.jobs().stats();
    const dcc_latency seen = latency(DCC_LATENCY_CANCEL_TO_SEEN);
    const dcc_latency ended = latency(DCC_LATENCY_CANCEL_TO_END);
    std::printf("  dispatcher   %s ticks, %s jobs posted, %s refused\n", grouped(done.ticks).c_str(),
                grouped(done.posted).c_str(), grouped(done.rejected).c_str());
    std::printf("  longest tick %s: the UI was stuck in \"%s\" (a tick should be %s)\n",
                duration(done.longest_tick).c_str(), stage.ui.jobs().longest_label().c_str(),
                duration(ui_loop::period).c_str());
    std::printf("  cancels      %s obeyed; polls saw %s of them, within %s\n",
                grouped(ended.count).c_str(), grouped(seen.count).c_str(),
                duration(std::chrono::nanoseconds(seen.max_ns)).c_str());
    std::printf("  polls        %s in the three scenes\n", grouped(stage.polls).c_str());
}

void write_timeline(stage &stage)
{
    const std::string path = stage.output_folder + "/timeline.json";
    const dcc_status status = dcc_timeline_write(path.data(), path.size());
    std::printf("\nTimeline: what ran in which tick, when cancels came, and which polls saw them\n");
    stage.told.check(status == DCC_OK, "written to " + path);
    std::printf("         To look at it drag the file into Perfetto or chrome://tracing.\n");
}

int play_all(const std::string &plugin_path, const std::string &output_folder,
             const std::string &path)
{
    const mesh input = read_obj(path);
    const loaded_plugin plugin(plugin_path);
    pthread_setname_np(pthread_self(), "UI thread");
    if (dcc_timeline_begin(10'000) < 0)
        throw std::runtime_error("no memory for the timeline");
    stage stage{plugin, input, measured_plan(plugin, input), output_folder};
    introduce(path, stage);
    const std::pair<const char *, summary_line> lines[] = {
        {"  scene 1", cancel_half_way(stage)},
        {"  scene 2", cancel_after_the_end(stage)},
        {"  scene 3", cancel_the_middle_one(stage)},
        {"  report", show_poll_gaps(stage)}};

    const char *const row = "%-9s  %-13s  %-44s  %s\n";
    std::printf("\n");
    std::printf(row, "Summary", "posted as", "seen", "longest tick");
    for (const auto &[page, line] : lines)
        std::printf(row, page, line.posted_as.c_str(), line.seen.c_str(),
                    duration(line.longest_tick).c_str());
    show_figures(stage);
    write_timeline(stage);
    cancel_a_pool(stage);
    fill_one_bar(stage);
    cancel_against_a_commit(stage);
    work_beside_the_ui(stage);
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
