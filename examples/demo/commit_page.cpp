#include "commit_page.hpp"

#include <cstdio>
#include <fstream>
#include <future>
#include <sstream>
#include <string>

#include "obj_file.hpp"

namespace demo {
namespace {

struct saving {
    dcc_status answer = DCC_OK; // the library's answer to the agent
    dcc::job_state end = dcc::job_state::none;
    bool is_told = false; // whether the job was told that the cancel was first
};

// A job that saves a mesh over another one. The agent cancels it right before it writes, or while it writes.
saving save(stage &stage, const std::string &path, const mesh &saved, bool cancel_comes_first)
{
    saving result;
    const dcc::job job = dcc::job::create({"save"});
    const agent::moment is_due = [cancel_comes_first](const dcc::job &found) {
        return cancel_comes_first || found.is_sealed();
    };
    result.end = dcc::run(job, [&] {
        std::future<dcc_status> answer = stage.canceller.watch(job.id(), is_due, "not over the old one");
        if (cancel_comes_first)
            result.answer = answer.get();
        try {
            job.commit([&] {
                if (!cancel_comes_first)
                    result.answer = answer.get();
                write_obj(path, saved);
            });
        } catch (const dcc::cancelled_error &) {
            result.is_told = true;
            throw; // so the job ends as cancelled
        }
    });
    return result;
}

std::string contents(const std::string &path)
{
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

} // namespace

void cancel_against_a_commit(stage &stage)
{
    const std::string path = stage.output_folder + "/saved.obj";
    std::printf("\nPoint of no return: a job saves its mesh over another, and the agent cancels it\n"
                "  It writes the file in job.commit(...). The agent cancels while it does:\n");
    write_obj(path, stage.input);
    const saving won = save(stage, path, stage.smoothed, false);
    stage.told.same("answer to the agent", dcc_status_string(DCC_SEALED), dcc_status_string(won.answer));
    stage.told.same("save job", name(dcc::job_state::completed), name(won.end));
    const std::string smoothed = contents(stage.output_folder + "/smoothed.obj");
    stage.told.check(!won.is_told && contents(path) == smoothed,
                     "the commit won: the file has the smoothed mesh");

    std::printf("  The agent cancels right before it does:\n");
    const saving lost = save(stage, path, stage.input, true);
    stage.told.same("answer to the agent", dcc_status_string(DCC_OK), dcc_status_string(lost.answer));
    stage.told.same("save job", name(dcc::job_state::cancelled), name(lost.end));
    stage.told.check(lost.is_told && contents(path) == smoothed,
                     "the commit lost, and threw dcc::cancelled_error: the file is as it was");
}

} // namespace demo
