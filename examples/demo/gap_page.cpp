#include "gap_page.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>

#include "bake.hpp"

namespace demo {
namespace {

struct baked {
    dcc_poll_gap gap = {};
    source_lines loop = {};
    bool complete = false;
    std::string listing; // all live jobs as JSON
    std::chrono::nanoseconds longest_tick = {};
};

baked bake(stage &stage, const char *label, bake_polls polls)
{
    baked result;
    const dcc::job job = stage.ui.jobs().post(label, [&] {
        const auto openness = bake_openness(stage.input, polls, result.loop);
        result.complete = openness.size() == stage.input.vertex_count() &&
                          std::all_of(openness.begin(), openness.end(), [](double part) {
                              return part >= 0.0 && part <= 1.0;
                          });
    });
    dcc_job_trace(job.get(), 1);
    stage.ui.run([] {});
    result.longest_tick = stage.ui.longest_tick();
    result.gap.struct_size = sizeof result.gap;
    dcc_job_poll_gap(job.get(), &result.gap);
    result.listing = dcc::detail::text([](char *buffer, std::size_t size, std::size_t *length) {
        return dcc_stats_live_jobs(buffer, size, length);
    });
    return result;
}

// A place such as "bake.cpp:40", with the code of that line if the source can be read.
std::string place(const char *file, std::uint32_t line)
{
    const std::string path = file;
    std::string text = path.substr(path.find_last_of("/\\") + 1);
    if (line == 0)
        return text;
    text += ':' + std::to_string(line);
    std::ifstream source(path);
    std::string code;
    for (std::uint32_t number = 0; number < line && std::getline(source, code);)
        ++number;
    const std::size_t start = code.find_first_not_of(" \t");
    return source && start != std::string::npos ? text + "   " + code.substr(start) : text;
}

void print(const baked &result)
{
    const dcc_poll_gap &gap = result.gap;
    std::printf("    polls        %s, on thread %s\n", grouped(gap.polls).c_str(),
                std::to_string(gap.thread).c_str());
    const std::chrono::nanoseconds longest(gap.gap_ns);
    std::printf("    longest gap  %s, as long as %.1f ticks\n", duration(longest).c_str(),
                static_cast<double>(longest.count()) /
                    static_cast<double>(ui_loop::period.count()));
    std::printf("    after        %s\n", place(gap.from_file, gap.from_line).c_str());
    std::printf("    before       %s\n", place(gap.to_file, gap.to_line).c_str());
}

bool is_in_bake(const char *file)
{
    const std::string path = file;
    const std::string name = "bake.cpp";
    return path.size() >= name.size() &&
           path.compare(path.size() - name.size(), name.size(), name) == 0;
}

} // namespace

summary_line show_poll_gaps(stage &stage)
{
    std::printf("\nPoll-gap report: which loop forgot to poll?\n"
                "  A function of three loops is posted and traced. Its second loop does not poll.\n");
    const baked forgetful = bake(stage, "bake openness", bake_polls::forgotten_in_one);
    print(forgetful);
    const dcc_poll_gap &gap = forgetful.gap;
    stage.told.check(forgetful.complete, "the job did its work");
    stage.told.check(is_in_bake(gap.from_file) && is_in_bake(gap.to_file),
                     "the report names the file: bake.cpp");
    stage.told.check(gap.from_line < forgetful.loop.first && gap.to_line > forgetful.loop.last,
                     "the loop of lines " + std::to_string(forgetful.loop.first) + " to " +
                         std::to_string(forgetful.loop.last) +
                         " lies between the two polls it names");
    stage.told.check(forgetful.listing.find("\"longest_gap\":{") != std::string::npos &&
                         forgetful.listing.find("bake.cpp") != std::string::npos,
                     "the listing of live jobs tells the same, as JSON");

    std::printf("  The same job with a poll in that loop:\n");
    const baked polling = bake(stage, "bake, polling", bake_polls::in_every_loop);
    print(polling);
    stage.told.check(polling.complete && polling.gap.polls == gap.polls + stage.input.vertex_count(),
                     "one poll more for each vertex");
    return {"two functions", "a loop without polls, in bake.cpp",
            std::max(forgetful.longest_tick, polling.longest_tick)};
}

} // namespace demo
