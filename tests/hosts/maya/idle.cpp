// Jobs that other threads post for Maya's main thread: they run when Maya is idle, within a budget, and also
// in modes without idle events.

#include "driver.hpp"

namespace {

// A job that takes a while.
void work(std::chrono::milliseconds time)
{
    const auto end = test_clock::now() + time;
    while (test_clock::now() < end) {
    }
}

void a_workers_jobs_leave_the_window_its_time(const loaded_plugin& loaded)
{
    const dcc::dispatcher queue = loaded.dispatcher();
    constexpr int posted = 60;
    int done = 0, in_turn = 0, most_in_turn = 0, turns = 0;
    std::thread worker([&] {
        for (int count = 0; count < posted; ++count)
            queue.post("a slice of a scene", [&] {
                maya().requireMainThread("a job");
                work(2ms);
                ++done;
                ++in_turn;
            });
    });
    worker.join();
    EXPECT(done == 0);
    EXPECT(maya().timers() == 0 && maya().idleCommands() == 1); // one wake for all of them
    const auto begin = test_clock::now();
    while (done < posted) {
        EXPECT(test_clock::now() - begin < hangs_after);
        in_turn = 0;
        maya().processEvents();
        most_in_turn = (std::max)(most_in_turn, in_turn);
        turns += in_turn > 0 ? 1 : 0;
        EXPECT(maya().timers() == 1 || done == posted);
    }
    // The budget is six milliseconds each sixtieth of a second: three jobs, or four if the clock is coarse.
    EXPECT(most_in_turn <= 4 && turns >= posted / 4);
    EXPECT(test_clock::now() - begin > std::chrono::milliseconds(16 * (turns - 2)));
    // When no job is left, no callback is registered.
    process_events_until([] { return maya().timers() == 0; });
    EXPECT(maya().idleCommands() == 0);

    // The next post wakes Maya again.
    std::thread again([&] { queue.post("one more", [&] { ++done; }); });
    again.join();
    process_events_until([&] { return done == posted + 1; });
    process_events_until([] { return maya().timers() == 0; });
}

// A job in slices gets one slice in each tick, so the timer runs until the job is done.
void a_job_in_slices(const loaded_plugin& loaded)
{
    const dcc::dispatcher queue = loaded.dispatcher();
    int slices = 0;
    dcc::job job;
    std::thread worker([&] {
        job = queue.post("slices", [&] {
            return ++slices < 5 ? dcc::step::again : dcc::step::done;
        });
    });
    worker.join();
    process_events_until([&] { return job.state() == dcc::job_state::completed; });
    EXPECT(slices == 5);
    process_events_until([] { return maya().timers() == 0; });
}

// Maya may handle events while a command asks for Esc, or in a dialog that a job has opened: no job may begin
// there.
void nothing_begins_in_the_middle_of_something(const loaded_plugin& loaded)
{
    const dcc::dispatcher queue = loaded.dispatcher();
    maya().meshes["gridShape"] = grid(200, 150);
    maya().asksHandleEvents = true;
    const int asked_before = maya().computationsBegun;
    bool in_command = false;
    int ran = 0;
    const half_way middle([&] {
        in_command = true;
        std::thread worker([&] {
            queue.post("", [&] {
                EXPECT(!in_command);
                ++ran;
            });
        });
        worker.join();
        maya().processEvents(); // the wake
        EXPECT(maya().timers() == 1);
    });
    EXPECT(maya().execute("dccSmooth -iterations 100 grid"));
    in_command = false;
    EXPECT(maya().computationsBegun == asked_before + 1 && ran == 0);
    maya().asksHandleEvents = false;
    process_events_until([&] { return ran == 1; });

    int inner = 0;
    const dcc::job outer = queue.post("a dialog", [&] {
        queue.post("", [&] { ++inner; });
        maya().processEvents();
        EXPECT(maya().execute("dccPump"));
        EXPECT(inner == 0);
    });
    process_events_until([&] { return inner == 1; });
    EXPECT(outer.state() == dcc::job_state::completed);
    process_events_until([] { return maya().timers() == 0; });
    maya().flushUndo();
}

void a_worker_waits_for_its_job(const loaded_plugin& loaded)
{
    const dcc::dispatcher queue = loaded.dispatcher();
    std::atomic<bool> returned{false};
    int counted = 0;
    std::thread worker([&] {
        EXPECT(queue.post_and_wait("count", [&] { counted = 7; }, hangs_after));
        returned = true;
    });
    process_events_until([&] { return returned.load(); });
    worker.join();
    EXPECT(counted == 7);
    process_events_until([] { return maya().timers() == 0; });
}

// In batch mode and in mayapy the script pumps.
void without_a_window(const std::string& plugin)
{
    for (MGlobal::MMayaState state : {MGlobal::kBatch, MGlobal::kLibraryApp}) {
        maya().state = state;
        loaded_plugin loaded(plugin);
        const dcc::dispatcher queue = loaded.dispatcher();
        const stand_in::Mesh before = grid(200, 150);
        maya().meshes["gridShape"] = before;
        int ran = 0;
        std::thread worker([&] {
            for (int count = 0; count < 3; ++count)
                queue.post("", [&] { ++ran; });
        });
        worker.join();
        maya().processEvents();
        EXPECT(ran == 0 && maya().timers() == 0);
        EXPECT(maya().execute("dccPump -budget 1000"));
        EXPECT(ran == 3 && maya().result == "0");

        // Without a computation there is no Esc, but an agent can still cancel.
        const int computations = maya().computationsBegun;
        EXPECT(maya().execute("dccPost \"dccSmooth -iterations 1000000000 grid\""));
        const dcc::job job = dcc::job::find(std::stoull(maya().result));
        std::thread agent([job] {
            wait_until([job] { return job.state() == dcc::job_state::running; });
            job.cancel("the farm needs the machine");
        });
        EXPECT(maya().execute("dccPump"));
        agent.join();
        EXPECT(job.state() == dcc::job_state::cancelled);
        EXPECT(same(maya().meshes["gridShape"].points, before.points));
        EXPECT(maya().execute("dccSmooth grid"));
        EXPECT(!same(maya().meshes["gridShape"].points, before.points));
        EXPECT(maya().computationsBegun == computations && maya().timers() == 0);
    }
    maya().state = MGlobal::kInteractive;
}

} // namespace

void idle(const std::string& plugin)
{
    {
        const loaded_plugin loaded(plugin);
        a_workers_jobs_leave_the_window_its_time(loaded);
        a_job_in_slices(loaded);
        nothing_begins_in_the_middle_of_something(loaded);
        a_worker_waits_for_its_job(loaded);
    }
    without_a_window(plugin);
}
