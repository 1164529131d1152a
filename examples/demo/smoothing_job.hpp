// One long job of the host: a mesh, the plugin's task, and the posted job, which any code of the process can
// find and cancel.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "dcc_cancel.hpp"
#include "loaded_plugin.hpp"
#include "mesh.hpp"
#include "ui_loop.hpp"

namespace demo {

constexpr std::chrono::nanoseconds usual_slice = std::chrono::milliseconds(4);
constexpr std::chrono::nanoseconds one_slice_for_all = dcc::no_limit;

// How much a job smooths, and in how many passes over the mesh.
struct smoothing_plan {
    std::uint64_t passes = 1;
    double strength = 4.0;
};

// This object must live until its posted job is over.
class smoothing_job {
public:
    smoothing_job(const loaded_plugin &plugin, const mesh &input, const smoothing_plan &plan,
                  std::string label)
        : label_(std::move(label)), result_(input), plugin_(plugin),
          task_(begin(plan), plugin->end)
    {
        if (!task_)
            throw std::bad_alloc();
        roughness_before_ = roughness();
    }
    smoothing_job(const smoothing_job &) = delete; // the plugin has a pointer to the mesh
    smoothing_job &operator=(const smoothing_job &) = delete;

    // Posts the job. In each tick the UI thread then works on it for the length of one slice.
    void post(const ui_loop &ui, std::chrono::nanoseconds slice)
    {
        dcc::post_options options;
        options.completion = [this, &ui](const dcc::job &ended, dcc::job_state) {
            since_cancel_ = ended.token().time_since_cancelled();
            since_previous_tick_ = ui.since_previous_tick();
        };
        job_ = ui.jobs().post(label_, [this, slice] { return run_slice(slice); }, options);
    }

    // The answer is that of a posted function: done, stopped by a cancel, or "call me again".
    dcc_status run_slice(std::chrono::nanoseconds slice)
    {
        const std::clock_t start = std::clock();
        plugin_->run_slice(task_.get(), static_cast<std::uint64_t>(slice.count()), &slice_);
        // Measures processor time, because other programs may have had the processor in between.
        processor_time_ += std::clock() - start;
        ++slices_;
        grows_ = grows_ && progress() >= latest_progress_;
        latest_progress_ = progress();
        switch (slice_.answer) {
        case SMOOTHING_FINISHED: return DCC_OK;
        case SMOOTHING_STOPPED: return DCC_CANCELLED_BY_JOB;
        default: return DCC_RUN_AGAIN;
        }
    }

    bool ended() const
    {
        const dcc::job_state state = job_.state();
        return state != dcc::job_state::pending && state != dcc::job_state::running;
    }

    // From 0 to 1.
    double progress() const
    {
        const dcc::job_progress info = job_.progress();
        return info.total == 0 ? 0.0
                               : static_cast<double>(info.done) / static_cast<double>(info.total);
    }

    const std::string &label() const { return label_; }
    const dcc::job &job() const { return job_; }
    const mesh &result() const { return result_; }
    const smoothing_slice &latest_slice() const { return slice_; }
    int slices() const { return slices_; }
    std::chrono::nanoseconds mean_slice() const
    {
        const double seconds = static_cast<double>(processor_time_) / CLOCKS_PER_SEC;
        return std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 * seconds / slices_));
    }
    bool progress_only_grew() const { return grows_; }
    double roughness() const { return plugin_->roughness(task_.get()); }
    double roughness_before() const { return roughness_before_; }

    // When the completion ran: how old the cancel was, and how long ago the previous tick had begun.
    std::chrono::nanoseconds since_cancel() const { return since_cancel_; }
    std::chrono::nanoseconds since_previous_tick() const { return since_previous_tick_; }

private:
    smoothing_task *begin(const smoothing_plan &plan)
    {
        const smoothing_mesh shared = {result_.positions.data(), result_.vertex_count(),
                                       result_.corners.data(), result_.triangle_count()};
        return plugin_->begin(&shared, plan.passes, plan.strength);
    }

    std::string label_;
    dcc::job job_;
    mesh result_;
    const loaded_plugin &plugin_;
    std::unique_ptr<smoothing_task, void (*)(smoothing_task *)> task_;
    smoothing_slice slice_ = {};
    double roughness_before_ = 0.0;
    double latest_progress_ = 0.0;
    bool grows_ = true;
    int slices_ = 0;
    std::clock_t processor_time_ = 0;
    std::chrono::nanoseconds since_cancel_ = {};
    std::chrono::nanoseconds since_previous_tick_ = {};
};

} // namespace demo
