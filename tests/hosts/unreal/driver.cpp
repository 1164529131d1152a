// An "editor" without the engine: loads the module of examples/hosts/unreal, ticks, presses Esc, unloads.
//
//     driver <module> <folder for settings> esc | budget | preview | unload | serve [Key=Value...]
//
// `serve` ticks until its input ends or says "quit", so that another process can talk to the bridge. "log"
// prints the log, "unload" unloads the module and loads it again, "esc" presses Esc in the next dialog.
#include <dlfcn.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "../../cpp/expect.hpp"
#include "../../cpp/hangs.hpp"
#include "Containers/Ticker.h"
#include "HAL/IConsoleManager.h"
#include "Misc/ConfigCacheIni.h"
#include "Modules/ModuleManager.h"
#include "engine.hpp"

namespace {

using driver_clock = std::chrono::steady_clock;

double milliseconds(driver_clock::duration time)
{
    return std::chrono::duration<double, std::milli>(time).count();
}

double processor_milliseconds()
{
    timespec time = {};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

bool is_mapped(const std::string &library)
{
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
        if (line.find(library) != std::string::npos)
            return true;
    return false;
}

// A loaded module, as the engine's module manager holds it.
class module {
public:
    explicit module(const std::string &path)
        : path_(path), library_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL))
    {
        if (library_ == nullptr)
            std::fprintf(stderr, "%s\n", dlerror());
        EXPECT(library_ != nullptr);
        void *const found = dlsym(library_, "InitializeModule");
        EXPECT(found != nullptr);
        object_.Reset(reinterpret_cast<IModuleInterface *(*)()>(found)());
        object_->StartupModule();
    }

    ~module()
    {
        EXPECT(object_->SupportsDynamicReloading());
        object_->ShutdownModule();
        EXPECT(FTSTicker::GetCoreTicker().StandInNum() == 0);
        EXPECT(!stand_in::console("CancellableJobs.Cancel"));
        object_.Reset();
        EXPECT(dlclose(library_) == 0);
        EXPECT(!is_mapped(path_)); // a call into it from now on is a crash
    }

    module(const module &) = delete;
    module &operator=(const module &) = delete;

    IModuleInterface &object() { return *object_; }

private:
    std::string path_;
    void *library_;
    TUniquePtr<IModuleInterface> object_;
};

void tick() { FTSTicker::GetCoreTicker().Tick(0.016f); }

// Ticks like the engine's loop until the condition holds.
template <class Condition> void tick_until(const Condition &condition)
{
    const auto give_up = driver_clock::now() + hangs_after;
    while (!condition()) {
        EXPECT(driver_clock::now() < give_up);
        tick();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

int ended() { return stand_in::count_in_log(" passes ("); }

// More passes than any machine makes during a test, and a mesh for which a pass takes a few milliseconds.
constexpr const char *for_ever = "1000000000";

// Esc in a slow task's dialog stops the job, and the dialog's bar follows the job's progress.
void esc(const std::string &path)
{
    module loaded(path);
    driver_clock::time_point pressed;
    std::vector<float> shown;
    stand_in::on_dialog([&](float fraction) {
        EXPECT(stand_in::open_dialogs() == 1);
        EXPECT(!loaded.object().SupportsDynamicReloading()); // a job of it is below the dialog
        tick(); // a dialog's loop: nothing may run in there
        shown.push_back(fraction);
        pressed = driver_clock::now();
        return fraction > 0.0f;
    });
    EXPECT(stand_in::console("CancellableJobs.Smooth 200 slow_task"));
    tick_until([] { return ended() == 1; });
    const double after = milliseconds(driver_clock::now() - pressed);
    const bool was_stopped = stand_in::count_in_log(" cancelled after ") == 1;
    EXPECT(was_stopped);
    EXPECT(stand_in::open_dialogs() == 0);
    EXPECT(stand_in::count_in_log("(cancelled in the editor); mesh revision 0") == 1);
    EXPECT(std::is_sorted(shown.begin(), shown.end()) && shown.back() > 0.0f && shown.back() < 1.0f);
    EXPECT(stand_in::shown_fractions().back() < 0.9f);

    // The next job is not cancelled by the earlier key press, and its bar reaches the end.
    shown.clear();
    stand_in::on_dialog([&](float fraction) {
        shown.push_back(fraction);
        return false;
    });
    const auto begin = driver_clock::now();
    EXPECT(stand_in::console("CancellableJobs.Smooth 200 slow_task"));
    tick_until([] { return ended() == 2; });
    const double whole = milliseconds(driver_clock::now() - begin);
    EXPECT(stand_in::count_in_log("completed after 200 of 200 passes (); mesh revision 1") == 1);
    const std::vector<float> bar = stand_in::shown_fractions();
    EXPECT(bar.size() > 3 && std::is_sorted(bar.begin(), bar.end()) && bar.back() > 0.9999f);
    std::printf("FIGURE unreal_esc cancel to return: %.1f ms; whole run without: %.0f ms\n", after, whole);
}

// Three jobs in slices: each tick keeps to its budget, all jobs advance, and one is cancelled between two
// ticks.
void budget(const std::string &path)
{
    module loaded(path);
    for (int number = 0; number < 3; ++number)
        EXPECT(stand_in::console(
            std::string("CancellableJobs.Smooth ") + (number == 1 ? for_ever : "20") + " sliced"));
    std::vector<double> ticks, used;
    const auto give_up = driver_clock::now() + hangs_after;
    while (ended() < 2) {
        EXPECT(driver_clock::now() < give_up);
        const auto begin = driver_clock::now();
        const double used_before = processor_milliseconds();
        tick();
        used.push_back(processor_milliseconds() - used_before);
        ticks.push_back(milliseconds(driver_clock::now() - begin));
    }
    std::printf("FIGURE unreal_tick budget 4 ms: median %.1f ms of %zu ticks\n", median(ticks), ticks.size());
    EXPECT(ticks.size() >= 10);
    // This is processor time, which other programs do not change: the budget, and a slice.
    EXPECT(median(used) < 6.0);
    EXPECT(stand_in::count_in_log(" completed after 20 of 20 passes") == 2);
    EXPECT(stand_in::console("CancellableJobs.Cancel"));
    tick_until([] { return ended() == 3; });
    EXPECT(stand_in::count_in_log("(CancellableJobs.Cancel); mesh revision 2") == 1);
    // A job that is started afterwards is not cancelled, also not on workers.
    EXPECT(stand_in::console("CancellableJobs.Smooth 5 worker"));
    tick_until([] { return ended() == 4; });
    EXPECT(stand_in::count_in_log(" completed after 5 of 5 passes") == 1);
    EXPECT(stand_in::console("CancellableJobs.Smooth 5 elsewhere"));
    EXPECT(stand_in::console("CancellableJobs.Smooth"));
    EXPECT(stand_in::count_in_log("CancellableJobs.Smooth takes a number of passes") == 2);
}

struct shown_mesh {
    int passes = 0;
    int revision = 0;
    long long roughness = 0;
};

bool operator==(const shown_mesh &left, const shown_mesh &right)
{
    return left.passes == right.passes && left.revision == right.revision &&
           left.roughness == right.roughness;
}

// The mesh that the viewport shows.
shown_mesh shown()
{
    EXPECT(stand_in::console("CancellableJobs.Show"));
    const std::string line = stand_in::last_in_log();
    const std::size_t at = line.find("shown: ");
    EXPECT(at != std::string::npos);
    shown_mesh result;
    const char *const format = "shown: %d passes over mesh revision %d, roughness %lld millionths";
    EXPECT(std::sscanf(line.c_str() + at, format, &result.passes, &result.revision, &result.roughness) == 3);
    return result;
}

void start_in_slices(const std::string &passes)
{
    EXPECT(stand_in::console("CancellableJobs.Smooth " + passes + " sliced"));
}

// A run in slices shows its passes. If it is cancelled during an await, its coroutine takes them back.
void preview(const std::string &path)
{
    int runs = 0;
    shown_mesh before;
    {
        module loaded(path);
        before = shown();
        EXPECT(before.passes == 0 && before.revision == 0 && before.roughness > 0);
        // The cancel comes before the run begins, during its first pass, and after some passes.
        for (const int passes : {-1, 0, 1, 5}) {
            start_in_slices(for_ever);
            if (passes >= 0)
                tick();
            tick_until([passes] { return shown().passes >= passes; });
            if (passes > 0)
                EXPECT(shown().roughness < before.roughness);
            EXPECT(stand_in::console("CancellableJobs.Cancel"));
            tick_until([&runs] { return ended() > runs; });
            ++runs;
            EXPECT(shown() == before);
        }
        EXPECT(stand_in::count_in_log(" cancelled after ") == runs);

        // Of two runs the later one is shown; the end of the earlier one does not change that.
        start_in_slices("20");
        start_in_slices(for_ever);
        tick_until([&runs] { return ended() > runs; });
        ++runs;
        EXPECT(shown().passes > 0 && shown().revision == 1);
        EXPECT(stand_in::console("CancellableJobs.Cancel"));
        tick_until([&runs] { return ended() > runs; });
        ++runs;
        const shown_mesh smoothed = shown();
        EXPECT(smoothed.passes == 0 && smoothed.revision == 1 && smoothed.roughness < before.roughness);

        // If the module is unloaded during a run, the preview is taken back on the game thread; the module
        // checks that.
        start_in_slices(for_ever);
        tick_until([] { return shown().passes > 0; });
    }
    EXPECT(ended() == runs + 1 && stand_in::count_in_log(" interrupted after ") == 1);
    module loaded(path);
    EXPECT(shown() == before);
}

// The module is unloaded while jobs run on workers, are between slices, and are queued: each ends once, and
// the module is unmapped.
void unload(const std::string &path)
{
    for (int round = 1; round <= 3; ++round) {
        const int before = ended();
        {
            module loaded(path);
            for (const char *mode : {"worker", "worker", "sliced", "worker", "slow_task"})
                EXPECT(stand_in::console(std::string("CancellableJobs.Smooth ") + for_ever + " " + mode));
            if (round == 2) {
                // Once the slow task is over, some jobs surely run.
                stand_in::on_dialog([](float) { return true; });
                tick_until([&] { return ended() == before + 1; });
            }
        }
        EXPECT(ended() == before + 5);
        EXPECT(stand_in::count_in_log("posted") == 5 * round);
    }
    EXPECT(stand_in::count_in_log("mesh revision 0") == 15);
    EXPECT(stand_in::count_in_log("completed") == 0);
    module loaded(path);
    EXPECT(stand_in::console("CancellableJobs.Smooth 3 worker"));
    tick_until(
        [] { return stand_in::count_in_log(" completed after 3 of 3 passes (); mesh revision 1") == 1; });
}

void serve(const std::string &path)
{
    TUniquePtr<module> loaded = MakeUnique<module>(path);
    std::printf("ready\n");
    std::fflush(stdout);
    for (std::string line;;) {
        tick();
        pollfd input = {STDIN_FILENO, POLLIN, 0};
        if (poll(&input, 1, 4) <= 0)
            continue;
        if (!std::getline(std::cin, line) || line == "quit")
            break;
        if (line == "unload") {
            loaded.Reset();
            loaded = MakeUnique<module>(path);
        } else if (line == "esc") {
            // Esc is pressed in the next dialog, after some updates.
            stand_in::on_dialog([asked = 0](float) mutable { return ++asked == 3; });
        } else if (line != "log") {
            EXPECT(stand_in::console(line));
        }
        std::printf("%sdone\n", line == "log" ? stand_in::log().c_str() : "");
        std::fflush(stdout);
    }
}

} // namespace

int main(int argc, char **argv)
{
    if (argc < 4) {
        std::fprintf(stderr, "usage: driver <module> <folder> "
                             "esc | budget | preview | unload | serve [Key=Value...]\n");
        return 2;
    }
    stand_in::become_game_thread();
    stand_in::set_user_settings_folder(argv[2]);
    for (int number = 4; number < argc; ++number) {
        const std::string setting = argv[number];
        const std::size_t at = setting.find('=');
        EXPECT(at != std::string::npos);
        GConfig->StandInValues[setting.substr(0, at)] = setting.substr(at + 1);
    }
    const std::string what = argv[3];
    const std::map<std::string, void (*)(const std::string &)> scenarios = {
        {"esc", esc}, {"budget", budget}, {"preview", preview}, {"unload", unload}, {"serve", serve}};
    EXPECT(scenarios.count(what) == 1);
    scenarios.at(what)(argv[1]);
    return 0;
}
