// Makes a cook a job of dcc-cancel. Copy this file and DCC_Plugin.* into your plugin.
#ifndef __DCC_CookJob_h__
#define __DCC_CookJob_h__

#include "DCC_Plugin.h"

#include <UT/UT_Interrupt.h>
#include <UT/UT_NonCopyable.h>
#include <UT/UT_StringHolder.h>

#include <chrono>
#include <string>
#include <utility>

#include <dcc_cancel.hpp>

/// One cook. Houdini shows it in its status line and stops it by Esc (UT_AutoInterrupt). Agents find it by
/// the node's path in dcc_stats_live_jobs and cancel it by its id. Both reach the polls of the cook, on every
/// thread that the cook's context is carried to.
class DCC_CookJob : UT_NonCopyable
{
public:
    DCC_CookJob(const UT_StringHolder &node_path, const char *operation) : myInterrupt(operation)
    {
        dcc::job_options options;
        options.label = node_path.c_str();
        // UT_AutoInterrupt may be used by one thread, so only this thread, the cooking thread, asks it. Its
        // first yes cancels the job, and the polls of all other threads see that.
        options.is_cancelled = [this] { return myInterrupt.wasInterrupted(percent()); };
        // For an answer Houdini takes a lock and looks at the keyboard, so it is not asked more often. A user
        // does not notice 20 ms.
        options.min_interval = std::chrono::milliseconds(20);
        myJob = DCC_Plugin::createJob(std::move(options));
    }

    /// Ends the job, because a job that somebody still holds must not ask an interrupt that is gone.
    ~DCC_CookJob() { myJob.interrupt(); }

    /// Runs the cook as the current job. The function returns false if it was stopped. If the user interrupts
    /// a cook of an agent's job, that job is cancelled, too, so that it does not go on to the next node.
    template <typename Function>
    dcc::job_state
    run(Function &&function)
    {
        const dcc::job_state end = dcc::run(myJob, std::forward<Function>(function));
        if (end == dcc::job_state::completed)
            myInterrupt.wasInterrupted(percent()); // shows 100 % until Houdini hides the bar
        if (end == dcc::job_state::cancelled && myJob.token().cause() == dcc::cause::foreign)
            dcc::job::current().cancel("Interrupted by the user");
        return end;
    }

    /// Calls the function that changes the node, after the point of no return. Use it inside run. A cancel
    /// from here on is answered with "too late". If a cancel was first, the function is not called, and
    /// dcc::cancelled_error leaves the cook.
    template <typename Function>
    void
    commit(Function &&function)
    {
        myJob.commit(std::forward<Function>(function));
    }

    /// The text for the node's error message.
    std::string
    whyNotCompleted() const
    {
        if (myJob.state() == dcc::job_state::failed)
            return myJob.failure();
        // The cook may have been stopped by the current token instead, such as that of an agent's request.
        const dcc::token token = myJob.is_cancelled() ? myJob.token() : dcc::token::current();
        if (token.cause() == dcc::cause::foreign)
            return "Interrupted by the user";
        const std::string reason = token.reason();
        return reason.empty() ? "Cancelled" : "Cancelled: " + reason;
    }

private:
    /// The progress of all steps on all threads. -1 before the first step: Houdini shows no percentage then.
    int
    percent() const
    {
        const double fraction = myJob.progress().fraction;
        return fraction > 0 ? int(100 * fraction) : -1;
    }

    UT_AutoInterrupt myInterrupt;
    dcc::job myJob;
};

#endif
