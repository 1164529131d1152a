#include "steps_page.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <thread>

namespace demo {
namespace {

constexpr std::uint64_t textures = 40;
constexpr std::uint64_t points = 100'000;

// Two libraries that count units of their own. Neither knows that it fills only a part of a bar.
void convert_textures()
{
    dcc::progress p(textures, "Textures");
    for (std::uint64_t texture = 0; texture < textures && !p.advance(); ++texture)
        std::this_thread::sleep_for(std::chrono::milliseconds(25));
}

// Writes one point in each millisecond, and all that are left at once as soon as `may_hurry` is set.
void write_points(const std::atomic<bool> &may_hurry)
{
    dcc::progress p(points, "Points");
    for (std::uint64_t point = 0; point < points && !p.advance(); ++point)
        if (!may_hurry)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

std::string time_left(const dcc::job_progress &now)
{
    if (!now.time_left)
        return "time left unknown";
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*now.time_left).count();
    return "about " + std::to_string(seconds + 1) + " s left";
}

void show(const dcc::job &job, const dcc::job_progress &now)
{
    constexpr std::size_t width = 20;
    std::string bar(static_cast<std::size_t>(now.fraction * width), '#');
    bar.resize(width, '.');
    const std::string message = job.progress_message();
    std::printf("  [%s] %4s  %s, %s\n", bar.c_str(), percent(now.fraction).c_str(),
                message.empty() ? "it begins" : message.c_str(), time_left(now).c_str());
}

} // namespace

void fill_one_bar(stage &stage)
{
    std::printf("\nTwo steps in one bar: libraries that know nothing of each other fill it\n"
                "  The textures are worth 25 of 100, the points 75.\n");
    const dcc::job job = dcc::job::create({"export"});
    std::atomic<bool> may_hurry{false};
    double after_textures = 0;
    dcc::job_state end = dcc::job_state::none;
    std::thread worker([&] {
        end = dcc::run(job, [&] {
            dcc::progress p(100, "Export");
            {
                const auto step = p.step(25);
                convert_textures();
            }
            after_textures = job.progress().fraction;
            const auto step = p.step(75);
            write_points(may_hurry);
            return !dcc::is_cancelled();
        });
    });
    double before = 0;
    bool has_fallen = false, was_known = false;
    int looks = 0;
    while (job.state() == dcc::job_state::pending || job.state() == dcc::job_state::running) {
        const dcc::job_progress now = job.progress();
        has_fallen = has_fallen || now.fraction < before;
        before = now.fraction;
        was_known = was_known || now.time_left.has_value();
        if (looks++ % 20 == 0 || (was_known && !may_hurry))
            show(job, now);
        may_hurry = was_known;
        std::this_thread::sleep_for(std::chrono::milliseconds(25));
    }
    worker.join();
    stage.told.same("export job", name(dcc::job_state::completed), name(end));
    stage.told.check(after_textures == 0.25, "the first step filled its quarter, the second went on");
    stage.told.check(!has_fallen && job.progress().fraction == 1, "the bar never fell, and is full");
    stage.told.check(was_known, "the time left was told once it was known");
}

} // namespace demo
