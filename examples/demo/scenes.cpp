#include "scenes.hpp"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <vector>

#include "agent.hpp"
#include "obj_file.hpp"
#include "progress_bar.hpp"

namespace demo {
namespace {

void title(const char *text, const char *story)
{
    std::printf("\n%s\n%s\n", text, story);
}

// The UI loop of one scene: each tick gives each unfinished job a slice.
ui_loop play(stage &stage, std::initializer_list<smoothing_job *> jobs)
{
    progress_bar bar({jobs.begin(), jobs.end()});
    ui_loop loop;
    loop.run([&] {
        bool more = false;
        for (smoothing_job *job : jobs) {
            if (job->ended())
                continue;
            job->run_slice();
            more = more || !job->ended();
        }
        bar.show();
        return more;
    });
    for (const smoothing_job *job : jobs)
        stage.polls += job->latest_slice().polls;
    return loop;
}

bool all_finite(const mesh &checked)
{
    for (const double number : checked.positions)
        if (!std::isfinite(number))
            return false;
    return true;
}

std::string roughness_change(const smoothing_job &job)
{
    char text[64];
    std::snprintf(text, sizeof text, "%.0f %%", 100.0 * job.roughness() / job.roughness_before());
    return text;
}

void check_how_it_ran(stage &stage, const smoothing_job &job)
{
    const smoothing_slice &slice = job.latest_slice();
    const bool stopped = slice.answer == SMOOTHING_STOPPED;
    stage.told.check(slice.polls == slice.visits + (stopped ? 1 : 0),
                     grouped(slice.polls) + " polls: one before each vertex");
    stage.told.check(job.mean_slice_ns() <= 2 * slice_ns,
                     "worked in " + std::to_string(job.slices()) +
                         " slices, each of which took the UI thread about " +
                         duration(job.mean_slice_ns()));
    stage.told.check(job.progress_only_grew(), "progress only grew");
}

void check_complete(stage &stage, const smoothing_job &job)
{
    stage.told.same(job.label() + " job", name(dcc::job_state::completed),
                    name(job.job().state()));
    stage.told.check(job.progress() == 1.0 && all_finite(job.result()) &&
                         job.roughness() < job.roughness_before(),
                     job.label() + " mesh: fully smoothed, roughness now " +
                         roughness_change(job));
}

// The job saw the cancel and stopped in the midst of its work.
void check_stopped(stage &stage, const smoothing_job &job, const std::string &reason)
{
    const smoothing_slice &slice = job.latest_slice();
    stage.told.same(job.label() + " job", name(dcc::job_state::cancelled),
                    name(job.job().state()));
    stage.told.same("reason that came with the cancel", '"' + reason + '"',
                    '"' + job.job().token().reason() + '"');
    if (slice.answer != SMOOTHING_STOPPED) {
        stage.told.check(false, "no poll saw the cancel");
        return;
    }
    const std::uint64_t limit = job.latest_two_slices_ns();
    stage.told.check(slice.since_cancel_ns <= limit,
                     "stopped " + duration(slice.since_cancel_ns) +
                         " after the cancel (a tick and a slice allow " + duration(limit) + ")");
    if (slice.since_cancel_ns > slice.since_slice_ns)
        std::printf("         (it came between two slices; the next one stopped %s after its start)\n",
                    duration(slice.since_slice_ns).c_str());
    else
        std::printf("         (it came while a slice was running)\n");
}

void check_partial(stage &stage, const smoothing_job &job)
{
    const mesh &result = job.result();
    stage.told.check(job.progress() >= 0.4 && job.progress() < 1.0,
                     "stopped with " + percent(job.progress()) + " of the work done");
    stage.told.check(result.positions != stage.input.positions && all_finite(result) &&
                         job.roughness() < job.roughness_before(),
                     "partial result kept, roughness now " + roughness_change(job));
}

void check_file(stage &stage, const smoothing_job &job, const char *file_name)
{
    const std::string path = stage.output_folder + '/' + file_name;
    write_obj(path, job.result());
    try {
        const mesh again = read_obj(path);
        stage.told.check(again.vertex_count() == stage.input.vertex_count() &&
                             again.corners == stage.input.corners,
                         "written to " + path + " and read again: " +
                             grouped(again.vertex_count()) + " vertices, " +
                             grouped(again.triangle_count()) + " triangles");
    } catch (const obj_error &wrong) {
        stage.told.check(false, std::string("written, but cannot be read again: ") + wrong.what());
    }
}

std::string states(std::initializer_list<const smoothing_job *> jobs)
{
    std::string text;
    for (const smoothing_job *job : jobs)
        text += (text.empty() ? "" : ", ") + std::string(name(job->job().state()));
    return text;
}

} // namespace

summary_line cancel_half_way(stage &stage)
{
    title("Scene 1 of 3: cancel a job half-way",
          "  An agent, on a thread of its own, cancels the job when 40 % is done.");
    const std::string reason = "the artist changed her mind";
    agent canceller;
    smoothing_job job(stage.plugin, stage.input, stage.plan, "scan");
    canceller.watch(job.job().id(), agent::when_done(0.4), reason);
    const ui_loop loop = play(stage, {&job});

    stage.told.same("answer to the agent", dcc_status_string(DCC_OK),
                    dcc_status_string(canceller.answer()));
    check_stopped(stage, job, reason);
    check_partial(stage, job);
    check_file(stage, job, "partial.obj");
    check_how_it_ran(stage, job);
    return {"cancelled, its work kept",
            states({&job}) + " at " + percent(job.progress()) + ", " +
                duration(job.latest_slice().since_cancel_ns) + " after the request",
            loop.longest_tick()};
}

summary_line cancel_after_the_end(stage &stage)
{
    title("Scene 2 of 3: the cancel comes too late",
          "  The same job; this time the agent cancels at the moment when it has ended.");
    agent canceller;
    smoothing_job job(stage.plugin, stage.input, stage.plan, "scan");
    canceller.watch(job.job().id(), agent::when_ended(), "too late");
    const ui_loop loop = play(stage, {&job});

    const std::string answer = dcc_status_string(canceller.answer());
    stage.told.same("answer to the agent", dcc_status_string(DCC_ALREADY_ENDED), answer);
    check_complete(stage, job);
    stage.told.check(!job.job().is_cancelled(), "the late cancel left no trace in the job");
    check_file(stage, job, "smoothed.obj");
    check_how_it_ran(stage, job);
    stage.smoothed = job.result();
    return {"completed, cancel refused", states({&job}) + ", \"" + answer + "\"",
            loop.longest_tick()};
}

summary_line cancel_the_middle_one(stage &stage)
{
    title("Scene 3 of 3: three jobs at once, one is cancelled",
          "  They share each tick of the UI thread. The agent cancels the middle one at 40 %.");
    const std::string reason = "two of three will do";
    agent canceller;
    smoothing_job left(stage.plugin, stage.input, stage.plan, "left");
    smoothing_job middle(stage.plugin, stage.input, stage.plan, "middle");
    smoothing_job right(stage.plugin, stage.input, stage.plan, "right");
    canceller.watch(middle.job().id(), agent::when_done(0.4), reason);
    const ui_loop loop = play(stage, {&left, &middle, &right});

    stage.told.same("answer to the agent", dcc_status_string(DCC_OK),
                    dcc_status_string(canceller.answer()));
    check_stopped(stage, middle, reason);
    check_partial(stage, middle);
    for (const smoothing_job *job : {&left, &right}) {
        check_complete(stage, *job);
        stage.told.check(job->result().positions == stage.smoothed.positions,
                         job->label() + " mesh: the same as that of scene 2, to the last bit");
    }
    stage.told.check(middle.result().positions != stage.smoothed.positions,
                     "middle mesh: not that of scene 2, it is partial");
    return {"completed, cancelled, completed", states({&left, &middle, &right}),
            loop.longest_tick()};
}

} // namespace demo
