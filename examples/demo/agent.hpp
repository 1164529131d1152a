// Stands for an AI agent's MCP server: a thread that knows a job by its id, looks how far it is,
// and cancels it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <utility>

#include "dcc_cancel.hpp"

namespace demo {

class agent {
public:
    using moment = std::function<bool(const dcc::job &)>;

    // Cancels the job as soon as `due` says so. It holds no reference meanwhile: if the host gives
    // the job up, there is nothing to find and the thread ends.
    void watch(std::uint64_t job_id, moment due, std::string reason)
    {
        answer_ = std::async(std::launch::async, [job_id, due = std::move(due),
                                                  reason = std::move(reason)]() -> dcc_status {
            while (const dcc::job job = dcc::job::find(job_id)) {
                if (due(job))
                    return dcc_job_cancel(job.get(), reason.data(), reason.size());
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
            return DCC_NOT_FOUND;
        });
    }

    // What the library answered to the cancel; waits for it.
    dcc_status answer() { return answer_.get(); }

    static moment when_done(double part)
    {
        return [part](const dcc::job &job) {
            const dcc::job::progress_info progress = job.progress();
            return progress.total != 0 && static_cast<double>(progress.done) >=
                                              part * static_cast<double>(progress.total);
        };
    }

    static moment when_ended()
    {
        return [](const dcc::job &job) {
            const dcc::job_state state = job.state();
            return state != dcc::job_state::pending && state != dcc::job_state::running;
        };
    }

private:
    std::future<dcc_status> answer_;
};

} // namespace demo
