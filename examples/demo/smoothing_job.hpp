// One long job of the host: a mesh, the plugin's task, and the job that others see and can cancel.
#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "dcc_cancel.hpp"
#include "loaded_plugin.hpp"
#include "mesh.hpp"

namespace demo {

constexpr std::uint64_t slice_ns = 4'000'000;

// How much a job smooths, and in how many passes over the mesh.
struct smoothing_plan {
    std::uint64_t passes = 1;
    double strength = 4.0;
};

class smoothing_job {
public:
    smoothing_job(const loaded_plugin &plugin, const mesh &input, const smoothing_plan &plan,
                  std::string label)
        : label_(std::move(label)), job_(dcc::job::create({label_})), result_(input),
          plugin_(plugin), task_(begin(plan), plugin->end)
    {
        if (!task_)
            throw std::bad_alloc();
        roughness_before_ = roughness();
        job_.begin();
    }
    smoothing_job(const smoothing_job &) = delete; // the plugin knows where the mesh is
    smoothing_job &operator=(const smoothing_job &) = delete;

    // A few milliseconds of work. While they last, this thread works for the job.
    void run_slice()
    {
        const std::uint64_t start = dcc_clock_now_ns();
        const std::clock_t processor_start = std::clock();
        {
            const dcc::job_scope current(job_);
            plugin_->run_slice(task_.get(), slice_ns, &slice_);
        }
        if (slice_.answer == SMOOTHING_FINISHED)
            job_.complete();
        else if (slice_.answer == SMOOTHING_STOPPED)
            job_.acknowledge_cancel();

        // Processor time, because other programs may have had the processor in between.
        processor_time_ += std::clock() - processor_start;
        const std::uint64_t now = dcc_clock_now_ns();
        two_slices_ns_ = now - (slices_ == 0 ? start : latest_start_);
        latest_start_ = start;
        ++slices_;
        const double part = progress();
        grows_ = grows_ && part >= latest_progress_;
        latest_progress_ = part;
    }

    bool ended() const
    {
        const dcc::job_state state = job_.state();
        return state != dcc::job_state::pending && state != dcc::job_state::running;
    }

    // From 0 to 1.
    double progress() const
    {
        const dcc::job::progress_info info = job_.progress();
        return info.total == 0 ? 0.0
                               : static_cast<double>(info.done) / static_cast<double>(info.total);
    }

    const std::string &label() const { return label_; }
    const dcc::job &job() const { return job_; }
    const mesh &result() const { return result_; }
    const smoothing_slice &latest_slice() const { return slice_; }
    int slices() const { return slices_; }
    std::uint64_t mean_slice_ns() const
    {
        const double seconds = static_cast<double>(processor_time_) / CLOCKS_PER_SEC;
        return static_cast<std::uint64_t>(1e9 * seconds / slices_);
    }
    bool progress_only_grew() const { return grows_; }
    double roughness() const { return plugin_->roughness(task_.get()); }
    double roughness_before() const { return roughness_before_; }

    // From the start of the slice before the latest one to the end of the latest one, so about a
    // tick and a slice: a cancel that is older had to be seen before.
    std::uint64_t latest_two_slices_ns() const { return two_slices_ns_; }

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
    std::uint64_t latest_start_ = 0;
    std::uint64_t two_slices_ns_ = 0;
};

} // namespace demo
