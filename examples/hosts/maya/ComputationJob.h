// A job that Esc cancels as well. While it works, its polls on Maya's main thread ask MComputation whether
// the user has pressed Esc. The first "yes" cancels the job, and its workers see that. An agent cancels the
// same job by its id.
#pragma once

#include "IdleQueue.h"

#include <dcc_cancel.hpp>

#include <maya/MComputation.h>

#include <memory>

class ComputationJob
{
public:
    // Call it on the main thread. A cancel of the job that is current here, for instance the posted job of
    // this command, cancels this job. If Esc ends this job, that job is cancelled, too.
    ComputationJob(const char* label, IdleQueue& queue);
    ComputationJob(const ComputationJob&) = delete;
    ComputationJob& operator=(const ComputationJob&) = delete;
    ~ComputationJob(); // ends Maya's progress bar and wait cursor on every way out

    const dcc::job& job() const { return job_; }

    // Shows in Maya how far the job is, with all of its steps on all threads.
    void show();

private:
    // The job may outlive the computation. The pointer is null then, and Esc is not asked any more. For the
    // main thread only.
    struct Esc
    {
        MComputation* computation = nullptr;
    };

    IdleQueue::Working working_;
    dcc::job outer_ = dcc::job::current();
    int shown_ = 0; // in percent
    MComputation computation_;
    std::shared_ptr<Esc> esc_ = std::make_shared<Esc>();
    dcc::job job_;
};
