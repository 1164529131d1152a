#include "pool_page.hpp"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace demo {
namespace {

constexpr int workers = 4;
constexpr std::uint64_t samples = 1'000'000'000; // for each worker: many minutes of work
constexpr std::uint64_t few_samples = 20'000;
constexpr std::uint64_t between_reports = 1'000;

// Takes samples until it has enough or a poll says stop. This code knows nothing of jobs and pools.
std::uint64_t sample(std::uint64_t enough, std::atomic<std::uint64_t> &all)
{
    const dcc::poller cancelled; // asks what is current on this thread
    const dcc::job job = dcc::job::current();
    std::uint64_t state = 1;
    for (std::uint64_t done = 0; done < enough; ++done) {
        if (cancelled())
            return done;
        for (int step = 0; step < 100; ++step)
            state = state * 6364136223846793005u + 1442695040888963407u;
        if (++all % between_reports == 0)
            job.set_progress(all, between_reports * 100);
    }
    return state != 0 ? enough : 0;
}

std::uint64_t polls_without_job()
{
    dcc_stats stats = {};
    stats.struct_size = sizeof stats;
    dcc_stats_read(&stats);
    return stats.polls_without_job;
}

struct pool_run {
    dcc::job_state end;
    std::vector<std::uint64_t> done; // samples of each worker
    std::uint64_t strays;            // polls without a job
};

// A job that starts its workers. The agent cancels it, and it ends when all workers have returned.
pool_run run_pool(stage &stage, bool forgets_one)
{
    pool_run result = {dcc::job_state::none, std::vector<std::uint64_t>(workers), polls_without_job()};
    const dcc::job job = dcc::job::create({"sample"});
    auto answer = stage.canceller.watch(job.id(), agent::when_done(0.4), "enough samples");
    std::atomic<std::uint64_t> all{0};
    result.end = dcc::run(job, [&] {
        std::vector<std::thread> pool;
        for (std::uint64_t &done : result.done) {
            if (forgets_one && pool.empty())
                pool.emplace_back([&] { done = sample(few_samples, all); });
            else
                pool.emplace_back(dcc::with_context([&] { done = sample(samples, all); }));
        }
        for (std::thread &worker : pool)
            worker.join();
        return !dcc::is_cancelled();
    });
    stage.told.same("answer to the agent", dcc_status_string(DCC_OK), dcc_status_string(answer.get()));
    result.strays = polls_without_job() - result.strays;
    return result;
}

} // namespace

void cancel_a_pool(stage &stage)
{
    std::printf("\nWorker pool: a job's %d threads are cancelled\n"
                "  dcc::with_context carries the job there; the agent cancels it, and all polls see it.\n",
                workers);
    const pool_run carried = run_pool(stage, false);
    stage.told.same("sample job", name(dcc::job_state::cancelled), name(carried.end));
    bool all_stopped = true;
    for (const std::uint64_t done : carried.done)
        all_stopped = all_stopped && done < samples;
    stage.told.check(all_stopped && carried.strays == 0, "all workers stopped in the midst of it");

    std::printf("  The same with one std::thread to which nobody carries the context:\n");
    const pool_run forgotten = run_pool(stage, true);
    stage.told.check(forgotten.done.front() == few_samples,
                     "it worked to its end: its polls are never cancelled");
    stage.told.check(forgotten.strays == 1,
                     "and was counted: a poll on a thread that has no job");
}

} // namespace demo
