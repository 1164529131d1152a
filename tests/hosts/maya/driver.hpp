// What the scenarios of this folder share: a scene, the driven plug-in, and code that cancels.
#pragma once

#include "../../cpp/expect.hpp"
#include "../../cpp/gate.hpp"
#include "../../cpp/hangs.hpp"
#include "stand_in/Host.h"

#include <dcc_cancel.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test_clock = std::chrono::steady_clock;

inline stand_in::Maya& maya()
{
    return stand_in::Maya::instance();
}

// A mesh of width times height vertices in a plane with bumps.
inline stand_in::Mesh grid(int width, int height)
{
    stand_in::Mesh mesh;
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
            mesh.points.emplace_back(x, y, (x * 7 + y * 13) % 11 - 5);
            const int vertex = y * width + x;
            if (x > 0)
                mesh.edges.push_back({vertex - 1, vertex});
            if (y > 0)
                mesh.edges.push_back({vertex - width, vertex});
        }
    return mesh;
}

inline bool same(const std::vector<MPoint>& left, const std::vector<MPoint>& right)
{
    bool result = left.size() == right.size();
    for (std::size_t vertex = 0; result && vertex < left.size(); ++vertex)
        result = left[vertex].x == right[vertex].x && left[vertex].y == right[vertex].y &&
                 left[vertex].z == right[vertex].z && left[vertex].w == right[vertex].w;
    return result;
}

// The last warning or error.
inline std::string last_shown()
{
    return maya().shown.empty() ? std::string() : maya().shown.back();
}

inline bool contains(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

// Whether any part of a file is in memory.
inline bool is_mapped(const std::string& path)
{
    std::ifstream maps("/proc/self/maps");
    std::string line;
    while (std::getline(maps, line))
        if (contains(line, path))
            return true;
    return false;
}

// The loaded plug-in. The destructor unloads it and checks that it is gone.
class loaded_plugin {
public:
    explicit loaded_plugin(const std::string& path) : path_(path)
    {
        EXPECT(!is_mapped(path_));
        EXPECT(maya().loadPlugin(path_));
        EXPECT(is_mapped(path_));
    }
    loaded_plugin(const loaded_plugin&) = delete;
    loaded_plugin& operator=(const loaded_plugin&) = delete;
    ~loaded_plugin()
    {
        if (!path_.empty())
            unload();
    }

    void unload()
    {
        maya().flushUndo();
        EXPECT(maya().unloadPlugin(path_));
        EXPECT(!is_mapped(path_));
        EXPECT(maya().callbacks() == 0 && maya().computations == 0);
        path_.clear();
    }

    // The dispatcher, which a bridge gets on the main thread to post from its own.
    dcc::dispatcher dispatcher() const
    {
        void* const library = dlopen(path_.c_str(), RTLD_NOW | RTLD_NOLOAD);
        EXPECT(library != nullptr);
        auto* const shared =
            reinterpret_cast<dcc_dispatcher* (*)()>(dlsym(library, "dccMayaDispatcher"));
        EXPECT(shared != nullptr);
        const dcc::dispatcher result = dcc::dispatcher::adopt(shared());
        dlclose(library);
        EXPECT(result);
        return result;
    }

private:
    std::string path_;
};

// Runs the event loop until the condition holds; the test fails if that hangs.
template <class Condition> void process_events_until(Condition condition)
{
    const auto end = test_clock::now() + hangs_after;
    while (!condition()) {
        EXPECT(test_clock::now() < end);
        maya().processEvents();
        std::this_thread::sleep_for(1ms);
    }
}

template <class Condition> void wait_until(Condition condition)
{
    const auto end = test_clock::now() + hangs_after;
    while (!condition()) {
        EXPECT(test_clock::now() < end);
        std::this_thread::sleep_for(1ms);
    }
}

// Whether the progress bar only rose, in several steps, and is closed.
inline bool bar_rose_and_is_gone()
{
    const std::vector<int>& bar = maya().bar;
    const auto does_not_rise = [](int before, int after) { return after <= before; };
    return bar.size() > 3 && !maya().isBarShown &&
           std::adjacent_find(bar.begin(), bar.end(), does_not_rise) == bar.end();
}

// Cancels a job by its id on a thread of its own.
inline void cancel_elsewhere(std::uint64_t id, const char* reason)
{
    std::thread agent([id, reason] { EXPECT(dcc::job::find(id).cancel(reason)); });
    agent.join();
}

// Calls a function once in the middle of the next dccSmooth, on the main thread, as if Maya had called it
// while it showed the progress.
class half_way {
public:
    template <class Function> explicit half_way(Function function)
    {
        maya().onProgress = [function, isDone = false](int percent) mutable {
            if (percent >= 50 && !std::exchange(isDone, true))
                function();
        };
    }
    half_way(const half_way&) = delete;
    half_way& operator=(const half_way&) = delete;
    ~half_way() { maya().onProgress = nullptr; }
};

// The scenarios.
void commands(const std::string& plugin);
void committing(const std::string& plugin);
void idle(const std::string& plugin);
void unloading(const std::string& plugin);
// Checks and measures, or only measures.
void stopping(const std::string& plugin);
void print_figures(const std::string& plugin, const char* name);
