#include "ComputationJob.h"

#include <chrono>

namespace {

// A question makes Maya look at its event queue. A user does not notice a delay of this length.
constexpr std::chrono::milliseconds kEscInterval(20);

} // namespace

ComputationJob::ComputationJob(const char* label, IdleQueue& queue) : working_(queue)
{
    dcc::job_options options;
    options.label = label;
    options.parent = outer_ ? outer_.token() : dcc::token::current();
    options.is_cancelled = [esc = esc_] {
        return esc->computation != nullptr && esc->computation->isInterruptRequested();
    };
    options.min_interval = kEscInterval;
    options.owner = &queue.owner();
    job_ = dcc::job::create(options);
    if (!queue.hasWindow())
        return;
    computation_.beginComputation(true, true, true);
    computation_.setProgressRange(0, 100);
    esc_->computation = &computation_;
}

ComputationJob::~ComputationJob()
{
    if (esc_->computation != nullptr)
    {
        show();
        computation_.endComputation();
    }
    esc_->computation = nullptr;
    // A user who presses Esc wants to stop the whole command, not only this part of it.
    if (job_.token().cause() == dcc::cause::foreign)
        outer_.cancel("the user pressed Esc");
}

void ComputationJob::show()
{
    if (esc_->computation == nullptr)
        return;
    const int percent = static_cast<int>(100 * job_.progress().fraction);
    if (percent != shown_) // because Maya redraws the bar each time
        computation_.setProgress(shown_ = percent);
}
