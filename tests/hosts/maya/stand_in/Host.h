// What drives the stand-ins of this folder; nothing of it is in Maya's devkit. One Maya with a scene,
// commands with undo, plug-ins and an event loop, as far as the example's driver needs them. What the
// devkit's documentation forbids ends the program here, with a text: calls of the API from other threads
// than the main one, callbacks that an unloaded plug-in has left, computations that do not end.
#pragma once

#include <maya/MGlobal.h>
#include <maya/MMessage.h>
#include <maya/MPoint.h>
#include <maya/MPxCommand.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace stand_in {

struct Mesh
{
    std::vector<MPoint> points;
    std::vector<std::array<int, 2>> edges;
    bool hasHistory = false;
};

struct Plugin
{
    std::string path;
    void* library = nullptr;
};

class OPENMAYA_EXPORT Maya
{
public:
    // The first thread that calls this is Maya's main thread.
    static Maya& instance();

    // The scene: shapes by name; the transform of "gridShape" is "grid".
    std::map<std::string, Mesh> meshes;
    std::string selected;

    // False: the plug-in is refused. A plug-in that is refused when it is loaded is unloaded again.
    bool loadPlugin(const std::string& path);
    bool unloadPlugin(const std::string& path);
    std::string refusedCommand; // fails to be registered

    // One command, or the text that IdleQueue.cpp queues.
    MStatus execute(const std::string& mel, bool undoEnabled = true);
    bool exists(const std::string& command) const { return commands_.count(command) != 0; }
    std::string result;
    std::map<std::string, std::function<MStatus(const MArgList&)>> builtIn;
    bool undo();
    bool redo();
    void flushUndo();
    std::size_t undoable() const { return done_.size(); }
    std::vector<std::string> shown; // warnings and errors

    // One turn of the event loop: first the commands that wait for idle, then timers.
    void processEvents();
    void exit();
    void pressEsc() { isEscPressed_ = true; }
    std::size_t idleCommands();
    std::size_t timers() const { return timers_.size(); }
    std::size_t callbacks() const { return timers_.size() + exiting_.size(); }

    MGlobal::MMayaState state = MGlobal::kInteractive;
    int threads = 2;
    int computations = 0;        // that have begun and not ended
    int computationsBegun = 0;
    bool asksHandleEvents = false; // whether isInterruptRequested has a turn of the event loop
    std::vector<int> bar;          // what the last computation has shown, one after the other
    bool isBarShown = false;
    std::function<void()> onBegin;       // of a computation
    std::function<void(int)> onProgress; // when its bar is drawn
    std::function<bool()> onWrite;       // of a mesh; false: it fails

    // For the stand-ins.
    void requireMainThread(const char* function) const;
    [[noreturn]] static void fatal(const std::string& what);
    MStatus registerCommand(Plugin* plugin, const std::string& name, MCreatorFunction creator,
                            MCreateSyntaxFunction syntax);
    MStatus deregisterCommand(const std::string& name);
    const MSyntax& syntaxOf(const MPxCommand* command) const;
    void queueOnIdle(const std::string& mel);
    MCallbackId addTimer(float period, MMessage::MElapsedTimeFunction function, void* clientData);
    MCallbackId addExiting(MMessage::MBasicFunction function, void* clientData);
    MStatus removeCallback(MCallbackId id);
    void clearEsc() { isEscPressed_ = false; }
    bool isInterruptRequested();

private:
    using Clock = std::chrono::steady_clock;
    struct Command
    {
        Plugin* plugin;
        MCreatorFunction creator;
        MSyntax syntax;
    };
    struct Timer
    {
        std::chrono::duration<float> period;
        Clock::time_point due;
        MMessage::MElapsedTimeFunction function;
        void* clientData;
    };
    struct Done
    {
        Plugin* plugin;
        std::unique_ptr<MPxCommand> command;
    };

    MStatus executeWords(const std::vector<std::string>& words, bool undoEnabled);
    bool isInUse(const Plugin* plugin) const;
    void requireNothingLeft(const Plugin& plugin) const;

    const std::thread::id mainThread_ = std::this_thread::get_id();
    std::map<std::string, Command> commands_;
    std::map<const MPxCommand*, const MSyntax*> running_;
    std::vector<Done> done_;
    std::vector<Done> undone_;
    std::vector<std::unique_ptr<Plugin>> plugins_;
    std::map<MCallbackId, Timer> timers_;
    std::map<MCallbackId, std::pair<MMessage::MBasicFunction, void*>> exiting_;
    MCallbackId lastCallback_ = 0;
    std::atomic<bool> isEscPressed_{false};
    std::mutex idleMutex_;
    std::deque<std::string> idle_;
};

} // namespace stand_in
