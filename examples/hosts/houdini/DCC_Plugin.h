// The objects that the plugin has once, from its load to Houdini's exit; see DCC_Plugin.C.
#ifndef __DCC_Plugin_h__
#define __DCC_Plugin_h__

#include <dcc_cancel.hpp>

class DCC_Plugin
{
public:
    /// Call it on the main thread, from newSopOperator.
    static void open() noexcept;

    /// Houdini calls it on the main thread when it exits. Jobs that run are asked to stop, jobs that wait
    /// never run, and the library calls no function of this plugin any more.
    static void close(void *) noexcept;

    /// Makes Houdini's event loop pump agents' jobs, if Houdini has one already. Call it on the main thread.
    static void installPump() noexcept;

    /// Creates a job of this plugin. Any thread may call this; it throws. A cancel of the job that is current
    /// on this thread cancels it, so that an agent's cancel reaches the cook that its job asked for. So does
    /// Houdini's exit.
    static dcc::job createJob(dcc::job_options options);

    /// The queue of jobs that Houdini's main thread runs between events. It is empty after the exit. Any
    /// thread may call this.
    static dcc::dispatcher mainThread() noexcept;
};

#endif
