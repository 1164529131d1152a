// The three scenes of the demo. Each tells what happens, shows it, and checks it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "agent.hpp"
#include "loaded_plugin.hpp"
#include "mesh.hpp"
#include "report.hpp"
#include "smoothing_job.hpp"
#include "ui_loop.hpp"

namespace demo {

// The objects that all scenes use.
struct stage {
    const loaded_plugin &plugin;
    const mesh &input;
    smoothing_plan plan;
    std::string output_folder;
    ui_loop ui = {};
    agent canceller = {};
    report told = {};
    mesh smoothed = {}; // the result of scene 2, which no cancel has disturbed
    std::uint64_t polls = 0; // polls of all scenes
};

// The line that a scene adds to the summary.
struct summary_line {
    std::string posted_as;
    std::string seen;
    std::chrono::nanoseconds longest_tick;
};

summary_line cancel_half_way(stage &stage);
summary_line cancel_after_the_end(stage &stage);
summary_line cancel_the_middle_one(stage &stage);

} // namespace demo
