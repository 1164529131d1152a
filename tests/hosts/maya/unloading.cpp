// The plug-in is loaded and unloaded while jobs are queued, while its callbacks are registered, and while
// other threads post.

#include "driver.hpp"

namespace {

void a_plugin_that_cannot_register_leaves_nothing(const std::string& plugin)
{
    for (const char* command : {"dccSmooth", "dccPost", "dccJobs", "dccCancel", "dccPump"}) {
        maya().refusedCommand = command;
        EXPECT(!maya().loadPlugin(plugin));
        EXPECT(contains(last_shown(), std::string("Cannot register ") + command));
        EXPECT(!is_mapped(plugin) && maya().callbacks() == 0);
    }
    maya().refusedCommand.clear();
}

void jobs_that_wait_end_with_the_plugin(const std::string& plugin)
{
    loaded_plugin loaded(plugin);
    const dcc::dispatcher queue = loaded.dispatcher();
    maya().meshes["gridShape"] = grid(4, 4);
    std::vector<dcc::job> jobs;
    for (int count = 0; count < 3; ++count) {
        EXPECT(maya().execute("dccPost \"dccSmooth grid\""));
        jobs.push_back(dcc::job::find(std::stoull(maya().result)));
    }
    // A job of other code, and a job between two slices, which keeps the timer registered.
    int told = 0, slices = 0;
    dcc::post_options options;
    options.completion = [&](const dcc::job&, dcc::job_state state) {
        EXPECT(state == dcc::job_state::interrupted);
        ++told;
    };
    jobs.push_back(queue.post("of another plug-in", [] { EXPECT(false); }, options));
    maya().flushUndo();
    EXPECT(maya().idleCommands() == 1 && maya().timers() == 0);
    loaded.unload();
    EXPECT(told == 1 && contains(last_shown(), "did not run: its plug-in was closed"));
    for (const dcc::job& job : jobs)
        EXPECT(job.state() == dcc::job_state::interrupted);

    // The plug-in's wake is still queued: it finds no command, and says nothing.
    const std::size_t shown = maya().shown.size();
    EXPECT(maya().idleCommands() == 1);
    maya().processEvents();
    EXPECT(maya().idleCommands() == 0 && maya().shown.size() == shown);
    // A post by code that kept the dispatcher is refused, and nothing of the plug-in is called.
    dcc::job refused;
    EXPECT(queue.try_post(refused, "too late", [] {}) == DCC_ERROR_SHUTDOWN);
    EXPECT(maya().idleCommands() == 0);

    loaded_plugin again(plugin);
    const dcc::dispatcher other = again.dispatcher();
    const dcc::job steps = other.post("slices", [&] {
        ++slices;
        return dcc::step::again;
    });
    process_events_until([&] { return slices > 2; });
    EXPECT(maya().timers() == 1);
    again.unload();
    EXPECT(steps.state() == dcc::job_state::interrupted);
    const int before = slices;
    for (int turn = 0; turn < 40; ++turn) {
        maya().processEvents();
        std::this_thread::sleep_for(1ms);
    }
    EXPECT(slices == before);
}

void it_is_not_unloaded_from_inside(const std::string& plugin)
{
    loaded_plugin loaded(plugin);
    const dcc::dispatcher queue = loaded.dispatcher();
    maya().meshes["gridShape"] = grid(4, 4);
    int asked = 0;
    const auto try_it = [&] {
        EXPECT(!maya().unloadPlugin(plugin));
        EXPECT(contains(last_shown(), "is running: cancel it first"));
        ++asked;
    };
    {
        const half_way middle(try_it);
        EXPECT(maya().execute("dccSmooth grid"));
    }
    const dcc::job job = queue.post("", try_it);
    process_events_until([&] { return job.state() == dcc::job_state::completed; });
    EXPECT(asked == 2);
    // This closed nothing.
    EXPECT(maya().execute("dccSmooth grid"));
    // While a command of the plug-in could be undone, Maya itself refuses.
    EXPECT(!maya().unloadPlugin(plugin));
    EXPECT(maya().undo());
    EXPECT(!maya().unloadPlugin(plugin));
}

// A job on another thread that does not stop keeps the plug-in loaded until it does.
void a_worker_that_does_not_stop_is_not_left_alone(const std::string& plugin)
{
    loaded_plugin loaded(plugin);
    const dcc::dispatcher queue = loaded.dispatcher();
    gate running, may_end;
    bool told = false;
    dcc::post_options options;
    options.any_thread = true;
    options.completion = [&](const dcc::job&, dcc::job_state) { told = true; };
    const dcc::job job = queue.post("forgot to poll", [&] {
        running.open();
        may_end.wait();
    }, options);
    running.wait();
    EXPECT(!maya().unloadPlugin(plugin));
    EXPECT(contains(last_shown(), "A job on another thread does not stop"));
    EXPECT(job.is_cancelled() && !told);
    may_end.open();
    loaded.unload();
    EXPECT(told);
}

// Maya does not call uninitializePlugin when it exits.
void maya_exits_while_a_worker_waits(const std::string& plugin)
{
    loaded_plugin loaded(plugin);
    const dcc::dispatcher queue = loaded.dispatcher();
    std::thread worker([&] {
        const dcc::waited_job waited = queue.post_and_wait("never", [] { EXPECT(false); }, hangs_after);
        EXPECT(waited.state == dcc::job_state::interrupted);
    });
    wait_until([&] { return queue.stats().posted == 1; });
    maya().exit();
    worker.join();
    EXPECT(maya().callbacks() == 0);
    for (const char* command : {"dccSmooth grid", "dccPost dccJobs", "dccPump"}) {
        EXPECT(!maya().execute(command));
        EXPECT(contains(last_shown(), "is being unloaded"));
    }
}

// Other threads post, cancel and wake all the time. Each accepted job is told its end once.
void it_comes_and_goes_while_others_post(const std::string& plugin)
{
    for (int round = 0; round < 25; ++round) {
        loaded_plugin loaded(plugin);
        const dcc::dispatcher queue = loaded.dispatcher();
        std::atomic<int> taken{0};
        int told = 0;
        std::vector<std::thread> workers;
        for (int count = 0; count < 2; ++count)
            workers.emplace_back([&] {
                dcc::post_options options;
                options.completion = [&](const dcc::job&, dcc::job_state) {
                    maya().requireMainThread("a completion");
                    ++told;
                };
                for (;;) {
                    dcc::job job;
                    const dcc_status status = queue.try_post(job, "", [] {}, options);
                    if (status == DCC_ERROR_SHUTDOWN)
                        return;
                    EXPECT(status == DCC_OK || status == DCC_ERROR_OVERLOADED);
                    if (status == DCC_OK && ++taken % 3 == 0)
                        job.cancel();
                }
            });
        wait_until([&] { return taken > 20; });
        for (int turn = 0; turn < round; ++turn)
            maya().processEvents();
        loaded.unload();
        for (std::thread& worker : workers)
            worker.join();
        EXPECT(told == taken);
        maya().processEvents();
    }
}

} // namespace

void unloading(const std::string& plugin)
{
    a_plugin_that_cannot_register_leaves_nothing(plugin);
    jobs_that_wait_end_with_the_plugin(plugin);
    it_is_not_unloaded_from_inside(plugin);
    a_worker_that_does_not_stop_is_not_left_alone(plugin);
    maya_exits_while_a_worker_waits(plugin);
    it_comes_and_goes_while_others_post(plugin);
}
