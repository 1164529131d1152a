// What the plugin has once, from its load to Houdini's exit; see DCC_Plugin.C.
#ifndef __DCC_Plugin_h__
#define __DCC_Plugin_h__

#include <dcc_cancel.hpp>

class DCC_Plugin
{
public:
    /// On the main thread, from newSopOperator.
    static void open() noexcept;

    /// On the main thread; Houdini calls it as it exits. What runs is asked to stop, what waits never
    /// runs, and nothing of this plugin is called by the library any more.
    static void close(void *) noexcept;

    /// On the main thread: has Houdini's event loop pump agents' jobs, if there is one by now.
    static void installPump() noexcept;

    /// A job of this plugin, on any thread. Its parents are the job that is current on this thread,
    /// so that an agent's cancel reaches the cook that its job asked for, and Houdini's exit. Throws.
    static dcc::job createJob(dcc::job_options options);

    /// The jobs that Houdini's main thread runs between events; empty after the exit. Any thread.
    static dcc::dispatcher mainThread() noexcept;
};

#endif
