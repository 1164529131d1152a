// The queue of jobs for Maya's main thread. The main thread runs them when Maya is idle.
#pragma once

#include <dcc_cancel.hpp>

#include <maya/MMessage.h>
#include <maya/MStatus.h>
#include <maya/MString.h>

#include <chrono>
#include <thread>

// There is one queue while the plug-in is loaded. Everything is for the main thread, except the dispatcher
// and wake().
class IdleQueue
{
public:
    // Null before open() and after close().
    static IdleQueue* instance();

    static MStatus open();

    // Ends the jobs that wait as interrupted, and waits for functions of this plug-in that run on other
    // threads. No function is called afterwards. A failure: a function of the plug-in is running on this
    // thread.
    static MStatus close();

    // The owner that stands for this plug-in. Every function that is passed to the library names it.
    const dcc::owner& owner() const { return owner_; }

    const dcc::dispatcher& dispatcher() const { return dispatcher_; }

    // Whether Maya has a window. In batch mode and in mayapy there is neither idle time nor Esc.
    bool hasWindow() const { return hasWindow_; }

    // Posts a command that runs when Maya is idle. It can be undone as if a user had typed it then.
    dcc_status post(const MString& command, dcc::job& job);

    // How much of each sixtieth of a second jobs may use. If the function of a timer takes more than half of
    // its period, Maya skips the next call.
    static constexpr std::chrono::milliseconds kBudget{6};

    dcc::tick pump(std::chrono::nanoseconds budget);

    // The command of wake() calls it. While the timer runs there is nothing to do.
    void onWake();

    // Exists while a command of this plug-in works. A function that the command calls may let Maya handle
    // events. While this exists no job begins then, and the plug-in is not unloaded.
    class Working
    {
    public:
        explicit Working(IdleQueue& queue) : queue_(queue) { ++queue_.working_; }
        Working(const Working&) = delete;
        Working& operator=(const Working&) = delete;
        ~Working() { --queue_.working_; }

    private:
        IdleQueue& queue_;
    };

private:
    IdleQueue();
    ~IdleQueue();

    MStatus finish();
    void wake();
    void startTimer();
    void stopTimer();
    static void onTimer(float elapsed, float last, void* queue);
    static void onExit(void*);

    dcc::owner owner_ = dcc::owner::create();
    dcc::dispatcher dispatcher_;
    const std::thread::id mainThread_ = std::this_thread::get_id();
    const bool hasWindow_;
    MCallbackId timer_ = 0;
    MCallbackId exiting_ = 0;
    int working_ = 0;
    bool isPumping_ = false;
    bool wokenInside_ = false;
};
