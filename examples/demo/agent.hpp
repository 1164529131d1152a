// Stands for an AI agent's MCP server: a thread that knows a job by its id, looks how far it is,
// and cancels it.
#pragma once

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "dcc_cancel.hpp"

namespace demo {

class agent {
public:
    using moment = std::function<bool(const dcc::job &)>;

    agent() : thread_([this] { serve(); }) {}
    agent(const agent &) = delete;
    agent &operator=(const agent &) = delete;
    ~agent()
    {
        ends_ = true;
        thread_.join();
    }

    // Cancels the job as soon as `due` answers true. The future gets the library's answer.
    std::future<dcc_status> watch(std::uint64_t job_id, moment due, std::string reason)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        request_.emplace(request{job_id, std::move(due), std::move(reason), {}});
        return request_->answer.get_future();
    }

    static moment when_done(double part)
    {
        return [part](const dcc::job &job) {
            const dcc::job_progress progress = job.progress();
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
    // The agent holds no reference to the job. If the host drops the job, it cannot be found any more.
    struct request {
        std::uint64_t job_id;
        moment due;
        std::string reason;
        std::promise<dcc_status> answer;

        bool is_done_with()
        {
            const dcc::job job = dcc::job::find(job_id);
            if (job && !due(job))
                return false;
            answer.set_value(job ? dcc_job_cancel(job.get(), reason.data(), reason.size())
                                 : DCC_NOT_FOUND);
            return true;
        }
    };

    void serve()
    {
        pthread_setname_np(pthread_self(), "agent");
        while (!ends_) {
            {
                const std::lock_guard<std::mutex> lock(mutex_);
                if (request_ && request_->is_done_with())
                    request_.reset();
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }

    std::mutex mutex_;
    std::optional<request> request_;
    std::atomic<bool> ends_{false};
    std::thread thread_; // the last member, because the thread uses the others
};

} // namespace demo
