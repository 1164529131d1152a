// A cook as a job of dcc-cancel. Copy this and DCC_Plugin.* into your plugin.
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

/// One cook: what Houdini shows in its status line and stops by Esc (UT_AutoInterrupt), and what
/// agents find by the node's path in dcc_stats_live_jobs and cancel by its id. Both reach the same
/// dcc::poller, on every thread that the cook's context is carried to.
class DCC_CookJob : UT_NonCopyable
{
public:
    DCC_CookJob(const UT_StringHolder &node_path, const char *operation) : myInterrupt(operation)
    {
        dcc::job_options options;
        options.label = node_path.c_str();
        // UT_AutoInterrupt is for one thread, so only this one, the cooking thread, asks it. Its
        // first yes cancels the job, which is what all the others see.
        options.is_cancelled = [this] { return myInterrupt.wasInterrupted(percent()); };
        // Houdini locks and looks at the keyboard for an answer; 20 ms is at once for a hand.
        options.min_interval = std::chrono::milliseconds(20);
        myJob = DCC_Plugin::createJob(std::move(options));
    }

    /// The job must not ask what is gone, should somebody still hold it.
    ~DCC_CookJob() { myJob.interrupt(); }

    /// Runs the cook as the current job; it returns false if it was stopped. What an agent's job cooks and
    /// the user interrupts is cancelled with that job: it does not go on to the next node.
    template <typename Function>
    dcc::job_state
    run(Function &&function)
    {
        const dcc::job_state end = dcc::run(myJob, std::forward<Function>(function));
        if (end == dcc::job_state::completed)
            myInterrupt.wasInterrupted(percent()); // all of it, for as long as it is still shown
        if (end == dcc::job_state::cancelled && myJob.token().cause() == dcc::cause::foreign)
            dcc::job::current().cancel("Interrupted by the user");
        return end;
    }

    /// Inside run, for what changes the node: calls the function behind the point of no return. Whoever
    /// cancels the cook from here on is told that it is too late; where a cancel was first nothing is
    /// called, and the cook is left by dcc::cancelled_error.
    template <typename Function>
    void
    commit(Function &&function)
    {
        myJob.commit(std::forward<Function>(function));
    }

    /// For the node's error message.
    std::string
    whyNotCompleted() const
    {
        if (myJob.state() == dcc::job_state::failed)
            return myJob.failure();
        // A token that is current here stops the cook, too, such as that of an agent's request.
        const dcc::token token = myJob.is_cancelled() ? myJob.token() : dcc::token::current();
        if (token.cause() == dcc::cause::foreign)
            return "Interrupted by the user";
        const std::string reason = token.reason();
        return reason.empty() ? "Cancelled" : "Cancelled: " + reason;
    }

private:
    /// Of all steps, whoever counts in them, on whichever threads; -1, which shows none, before the first.
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
