// dccSmooth is stopped half-way: by Esc, and by code that knows the id of its job.

#include "driver.hpp"

#include <cstdio>

namespace {

constexpr int iterations = 400;

std::string smooth(int passes = iterations)
{
    return "dccSmooth -iterations " + std::to_string(passes) + " grid";
}

struct run {
    bool was_stopped; // in the midst of its passes
    double since_asked_ms; // or since half-way, if nothing asked it to stop
};

// Runs one command, and half-way a function that asks it to stop.
template <class Function> run smooth_and(Function ask, int passes = iterations)
{
    test_clock::time_point from = test_clock::now();
    dcc::job job;
    const half_way middle([&] {
        job = dcc::job::current();
        ask();
        from = test_clock::now();
    });
    const MStatus status = maya().execute(smooth(passes));
    const double took = std::chrono::duration<double, std::milli>(test_clock::now() - from).count();
    const bool has_all_passes = maya().bar.back() >= 99;
    return {status == MS::kFailure && !has_all_passes, took};
}

void press_esc()
{
    maya().pressEsc();
}

void cancel_by_id()
{
    cancel_elsewhere(dcc::job::current().id(), "not that mesh");
}

// Checks that nothing is left of the command, neither in the scene nor in the undo queue.
void expect_untouched(const stand_in::Mesh& before)
{
    EXPECT(same(maya().meshes["gridShape"].points, before.points));
    EXPECT(maya().undoable() == 0);
    EXPECT(maya().computations == 0);
    EXPECT(!dcc::job::current());
}

// The command shows all of its steps in one bar: reading the mesh, and each pass.
void a_command_shows_how_far_it_is(const stand_in::Mesh& before)
{
    for (int passes : {5, iterations}) {
        bool is_shown = false;
        std::string path;
        const half_way middle([&] {
            is_shown = maya().isBarShown;
            path = dcc::job::current().progress_message();
        });
        EXPECT(maya().execute(smooth(passes)));
        EXPECT(is_shown && path == "Smooth");
        EXPECT(bar_rose_and_is_gone());
        EXPECT(maya().bar.front() <= 10 && maya().bar.back() == 100);
        EXPECT(maya().bar.size() > static_cast<std::size_t>(std::min(passes, 50)));
        EXPECT(maya().undo());
        maya().flushUndo();
    }
    expect_untouched(before);

    // When the command is stopped, the bar closes without reaching its end.
    const bool was_stopped = smooth_and(cancel_by_id).was_stopped;
    EXPECT(was_stopped);
    EXPECT(bar_rose_and_is_gone());
    EXPECT(maya().bar.back() >= 50 && maya().bar.back() < 90);
}

void a_command_is_stopped(const stand_in::Mesh& before)
{
    bool was_stopped = smooth_and(press_esc).was_stopped;
    EXPECT(was_stopped);
    EXPECT(contains(last_shown(), "Esc was pressed"));
    expect_untouched(before);

    dcc::job job;
    was_stopped = smooth_and([&] {
        job = dcc::job::current();
        cancel_by_id();
    }).was_stopped;
    EXPECT(was_stopped);
    EXPECT(job.state() == dcc::job_state::cancelled);
    EXPECT(job.label() == "dccSmooth");
    EXPECT(contains(last_shown(), "not that mesh"));
    expect_untouched(before);

    // The next command remembers neither.
    EXPECT(maya().execute(smooth()));
    EXPECT(maya().undoable() == 1);
    EXPECT(maya().undo());
    maya().flushUndo();
    expect_untouched(before);
}

// The agent knows the id of the job that it posted, and not the id of the job inside.
void a_posted_command_is_stopped(const stand_in::Mesh& before)
{
    const auto post = [] {
        EXPECT(maya().execute("dccPost \"" + smooth() + "\""));
        const dcc::job job = dcc::job::find(std::stoull(maya().result));
        EXPECT(job.state() == dcc::job_state::pending);
        return job;
    };
    const auto run_it = [](const dcc::job& job) {
        process_events_until([&] { return job.state() > dcc::job_state::running; });
    };
    {
        const dcc::job job = post();
        const half_way middle([&] { cancel_elsewhere(job.id(), "the agent left"); });
        run_it(job);
        EXPECT(job.state() == dcc::job_state::cancelled);
        EXPECT(contains(last_shown(), "was cancelled: the agent left"));
        expect_untouched(before);
    }
    // Esc is pressed while the inner job asks, and the agent is told.
    {
        const dcc::job job = post();
        const half_way middle(press_esc);
        run_it(job);
        EXPECT(job.state() == dcc::job_state::cancelled);
        EXPECT(job.token().reason() == "the user pressed Esc");
        expect_untouched(before);
    }
    const dcc::job job = post();
    run_it(job);
    EXPECT(job.state() == dcc::job_state::completed);
    EXPECT(maya().undoable() == 1 && maya().undo());
    maya().flushUndo();
    expect_untouched(before);
}

// The stop comes before the first pass, within a pass, or while the threads wait for each other. Nothing else
// ends these commands.
void every_moment_is_one_to_stop(const stand_in::Mesh& before)
{
    for (int moment = 0; moment < 60; ++moment) {
        std::thread user;
        maya().onBegin = [&] {
            EXPECT(maya().execute("dccJobs"));
            const std::string key = "\"id\":";
            const std::string& jobs = maya().result;
            const std::uint64_t id = std::stoull(jobs.substr(jobs.find(key) + key.size()));
            user = std::thread([moment, id] {
                std::this_thread::sleep_for(moment / 2 * 53us);
                if (moment % 2 == 0)
                    maya().pressEsc();
                else
                    EXPECT(dcc::job::find(id).cancel());
            });
        };
        EXPECT(!maya().execute(smooth(1000000000)));
        maya().onBegin = nullptr;
        user.join();
        expect_untouched(before);
    }
}

// Each thread polls the command's job.
void every_thread_polls(int threads)
{
    std::size_t polled = 0;
    const half_way middle([&] {
        const dcc::job job = dcc::job::current();
        EXPECT(dcc_job_threads(job.get(), nullptr, sizeof(dcc_job_thread), 0, &polled) == DCC_OK);
    });
    EXPECT(dcc_trace_all(1) == DCC_OK);
    EXPECT(maya().execute(smooth()));
    EXPECT(dcc_trace_all(0) == DCC_OK);
    EXPECT(polled == static_cast<std::size_t>(threads));
    EXPECT(maya().undo());
    maya().flushUndo();
}

} // namespace

void stopping(const std::string& plugin)
{
    const loaded_plugin loaded(plugin);
    const stand_in::Mesh before = grid(200, 150);
    maya().meshes["gridShape"] = before;
    for (int threads : {1, 4}) {
        maya().threads = threads;
        a_command_shows_how_far_it_is(before);
        a_command_is_stopped(before);
        a_posted_command_is_stopped(before);
        every_moment_is_one_to_stop(before);
        every_thread_polls(threads);
    }
    maya().threads = 2;
}

void print_figures(const std::string& plugin, const char* name)
{
    const loaded_plugin loaded(plugin);
    maya().meshes["gridShape"] = grid(200, 150);
    constexpr int passes = 1500;
    const double esc = smooth_and(press_esc, passes).since_asked_ms;
    const double cancel = smooth_and(cancel_by_id, passes).since_asked_ms;
    const double rest = smooth_and([] {}, passes).since_asked_ms;
    std::printf("FIGURE %s Esc to return: %.1f ms; cancel to return: %.1f ms; if nobody asks: %.0f ms\n",
                name, esc, cancel, rest);
}
