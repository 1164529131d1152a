#include "ComputationJob.h"

#include <chrono>
#include <cstdint>

namespace {

// Asking takes a look at Maya's event queue; more often than this nobody would notice.
constexpr std::chrono::milliseconds kEscInterval(20);

} // namespace

ComputationJob::ComputationJob(const char* label, int steps, IdleQueue& queue)
    : working_(queue), steps_(steps)
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
        computation_.endComputation();
    esc_->computation = nullptr;
    // Who presses Esc means all that runs, not only this part of it.
    if (job_.token().cause() == dcc::cause::foreign)
        outer_.cancel("the user pressed Esc");
}

void ComputationJob::setStepsDone(int done)
{
    job_.set_progress(static_cast<std::uint64_t>(done), static_cast<std::uint64_t>(steps_));
    if (esc_->computation == nullptr)
        return;
    // Not each of many steps: Maya draws the bar anew.
    const dcc::job_progress reached = job_.progress();
    const int percent = reached.total > 0 ? static_cast<int>(100 * reached.done / reached.total) : 0;
    if (percent != shown_)
        computation_.setProgress(shown_ = percent);
}
