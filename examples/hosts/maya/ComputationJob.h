// A job that Esc cancels as well: while it works, its polls on Maya's main thread ask MComputation whether
// the user has pressed it. The first "yes" latches the job's own cancel, which its workers see, and
// those who know the job by its id. It is the same job that an agent cancels.
#pragma once

#include "IdleQueue.h"

#include <dcc_cancel.hpp>

#include <maya/MComputation.h>

#include <memory>

class ComputationJob
{
public:
    // On the main thread. It is cancelled with the job that is current here, for instance the posted
    // one whose command this is; and if it is Esc that ends it, so is that one.
    ComputationJob(const char* label, IdleQueue& queue);
    ComputationJob(const ComputationJob&) = delete;
    ComputationJob& operator=(const ComputationJob&) = delete;
    ~ComputationJob(); // Maya's progress bar and wait cursor end on every way out

    const dcc::job& job() const { return job_; }

    // Shows in Maya how far the job is: all of its steps, whoever counts in them.
    void show();

private:
    // The job may outlive the computation, which is asked no more then. Main thread only.
    struct Esc
    {
        MComputation* computation = nullptr;
    };

    IdleQueue::Working working_;
    dcc::job outer_ = dcc::job::current();
    int shown_ = 0; // percent
    MComputation computation_;
    std::shared_ptr<Esc> esc_ = std::make_shared<Esc>();
    dcc::job job_;
};
