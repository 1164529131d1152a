// The jobs that wait for Maya's main thread, and what makes it take them when it is idle.
#pragma once

#include <dcc_cancel.hpp>

#include <maya/MMessage.h>
#include <maya/MStatus.h>
#include <maya/MString.h>

#include <chrono>
#include <thread>

// One while the plug-in is loaded. All is for the main thread, but the dispatcher itself and wake().
class IdleQueue
{
public:
    // Null before open() and after close().
    static IdleQueue* instance();

    static MStatus open();

    // Ends the jobs that wait, as interrupted, and waits for functions of this plug-in that run on
    // other threads; none is called again. A failure: something of it is running on this thread.
    static MStatus close();

    // The plug-in. Whatever is handed to the library names it.
    const dcc::owner& owner() const { return owner_; }

    const dcc::dispatcher& dispatcher() const { return dispatcher_; }

    // Not in batch and mayapy, where there is neither an idle nor an Esc.
    bool hasWindow() const { return hasWindow_; }

    // Posts a command that is run when Maya is idle, undoable as if it was typed then.
    dcc_status post(const MString& command, dcc::job& job);

    // Of each sixtieth of a second so much is for jobs. Maya skips a firing of a timer whose function
    // takes more than half of its period.
    static constexpr std::chrono::milliseconds kBudget{6};

    dcc::tick pump(std::chrono::nanoseconds budget);

    // As wake() has it called: something was posted. While the timer runs that is its affair.
    void onWake();

    // While a command of this plug-in works. What it calls may let Maya handle events: no job
    // begins then, in the middle of it, and the plug-in is not unloaded.
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
