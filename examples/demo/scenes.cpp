#include "scenes.hpp"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <vector>

#include "obj_file.hpp"
#include "progress_bar.hpp"

namespace demo {
namespace {

void title(const char *text, const char *story)
{
    std::printf("\n%s\n%s\n", text, story);
}

// Runs the UI loop for one scene.
void play(stage &stage, std::initializer_list<smoothing_job *> jobs)
{
    progress_bar bar({jobs.begin(), jobs.end()});
    stage.ui.run([&] { bar.show(); });
    for (const smoothing_job *job : jobs)
        stage.polls += job->latest_slice().polls;
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

void check_polls(stage &stage, const smoothing_job &job)
{
    const smoothing_slice &slice = job.latest_slice();
    const bool stopped = slice.answer == SMOOTHING_STOPPED;
    stage.told.check(slice.polls == slice.visits + (stopped ? 1 : 0),
                     grouped(slice.polls) + " polls: one before each vertex");
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

void check_cancelled(stage &stage, const smoothing_job &job, dcc_status answer,
                     const std::string &reason)
{
    stage.told.same("answer to the agent", dcc_status_string(DCC_OK), dcc_status_string(answer));
    stage.told.same(job.label() + " job", name(dcc::job_state::cancelled),
                    name(job.job().state()));
    stage.told.same("reason that came with the cancel", '"' + reason + '"',
                    '"' + job.job().token().reason() + '"');
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
          "  Posted as one function: while it runs the UI thread does nothing else, and only\n"
          "  the plugin's polls can stop it. An agent, on another thread, cancels it at 40 %.");
    const std::string reason = "the artist changed her mind";
    smoothing_job job(stage.plugin, stage.input, stage.plan, "scan");
    job.post(stage.ui, one_slice_for_all);
    auto answer = stage.canceller.watch(job.job().id(), agent::when_done(0.4), reason);
    play(stage, {&job});

    check_cancelled(stage, job, answer.get(), reason);
    stage.told.check(job.latest_slice().answer == SMOOTHING_STOPPED,
                     "a poll saw it: ended " + duration(job.since_cancel()) + " after the cancel");
    check_partial(stage, job);
    check_file(stage, job, "partial.obj");
    check_polls(stage, job);
    return {"one function",
            states({&job}) + " at " + percent(job.progress()) + ", " +
                duration(job.since_cancel()) + " after the request",
            stage.ui.longest_tick()};
}

summary_line cancel_after_the_end(stage &stage)
{
    title("Scene 2 of 3: the cancel comes too late",
          "  The same job, posted as a step: each tick calls it once, for 4 ms, and the UI stays\n"
          "  alive. The agent cancels at the moment when it has ended.");
    smoothing_job job(stage.plugin, stage.input, stage.plan, "scan");
    job.post(stage.ui, usual_slice);
    auto watched = stage.canceller.watch(job.job().id(), agent::when_ended(), "too late");
    play(stage, {&job});

    const std::string answer = dcc_status_string(watched.get());
    stage.told.same("answer to the agent", dcc_status_string(DCC_ALREADY_ENDED), answer);
    check_complete(stage, job);
    stage.told.check(!job.job().is_cancelled(), "the late cancel left no trace in the job");
    check_file(stage, job, "smoothed.obj");
    check_polls(stage, job);
    stage.told.check(job.mean_slice() <= 2 * usual_slice,
                     "worked in " + std::to_string(job.slices()) +
                         " slices, each of which took the UI thread about " +
                         duration(job.mean_slice()));
    stage.smoothed = job.result();
    return {"a step", states({&job}) + ", \"" + answer + "\"", stage.ui.longest_tick()};
}

summary_line cancel_the_middle_one(stage &stage)
{
    title("Scene 3 of 3: three jobs at once, one is cancelled",
          "  Three steps share each tick. The agent cancels the middle one at 40 %.");
    const std::string reason = "two of three will do";
    smoothing_job left(stage.plugin, stage.input, stage.plan, "left");
    smoothing_job middle(stage.plugin, stage.input, stage.plan, "middle");
    smoothing_job right(stage.plugin, stage.input, stage.plan, "right");
    for (smoothing_job *job : {&left, &middle, &right})
        job->post(stage.ui, usual_slice);
    auto answer = stage.canceller.watch(middle.job().id(), agent::when_done(0.4), reason);
    play(stage, {&left, &middle, &right});

    check_cancelled(stage, middle, answer.get(), reason);
    stage.told.check(middle.since_cancel() <= middle.since_previous_tick(),
                     "ended " + duration(middle.since_cancel()) +
                         " after the cancel (a tick and its slices allow " +
                         duration(middle.since_previous_tick()) + ")");
    std::printf(middle.latest_slice().answer == SMOOTHING_STOPPED
                    ? "         (a poll saw it, in the midst of a slice)\n"
                    : "         (it came between two slices: there was no next one)\n");
    check_partial(stage, middle);
    for (const smoothing_job *job : {&left, &right}) {
        check_complete(stage, *job);
        stage.told.check(job->result().positions == stage.smoothed.positions,
                         job->label() + " mesh: the same as that of scene 2, to the last bit");
    }
    stage.told.check(middle.result().positions != stage.smoothed.positions,
                     "middle mesh: not that of scene 2, it is partial");
    return {"three steps",
            states({&left, &middle, &right}) + " (" + duration(middle.since_cancel()) + ")",
            stage.ui.longest_tick()};
}

} // namespace demo
