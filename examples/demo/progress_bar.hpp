// Shows how far jobs are: on a terminal one line that is drawn again and again, in a file a few lines.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "smoothing_job.hpp"

namespace demo {

class progress_bar {
public:
    explicit progress_bar(std::vector<const smoothing_job *> jobs)
        : jobs_(std::move(jobs)), terminal_(isatty(STDOUT_FILENO) != 0)
    {
    }

    void show()
    {
        const bool last = all_ended();
        const int fifth = static_cast<int>(5.0 * mean_progress());
        const std::string line = text();
        if (terminal_ ? line == shown_ && !last : fifth <= shown_fifth_ && !last)
            return;
        std::printf("%s  %s%s", terminal_ ? "\r" : "", line.c_str(), terminal_ && !last ? "" : "\n");
        std::fflush(stdout);
        shown_ = line;
        shown_fifth_ = fifth;
    }

private:
    bool all_ended() const
    {
        for (const smoothing_job *job : jobs_)
            if (!job->ended())
                return false;
        return true;
    }

    double mean_progress() const
    {
        double sum = 0.0;
        for (const smoothing_job *job : jobs_)
            sum += job->progress();
        return sum / static_cast<double>(jobs_.size());
    }

    // At most 79 columns, because a line that wraps cannot be overwritten.
    std::string text() const
    {
        const int width = jobs_.size() == 1 ? 40 : 7;
        std::string line;
        for (const smoothing_job *job : jobs_) {
            const int filled = static_cast<int>(job->progress() * width);
            const bool cancelled = job->job().state() == dcc::job_state::cancelled;
            std::string bar(static_cast<std::size_t>(filled), '#');
            bar.append(static_cast<std::size_t>(width - filled), cancelled ? 'x' : '.');
            char part[128];
            std::snprintf(part, sizeof part, "%s%s [%s] %3d %%%s", line.empty() ? "" : "  ",
                          job->label().c_str(), bar.c_str(),
                          static_cast<int>(100.0 * job->progress()),
                          cancelled ? " cancelled" : "");
            line += part;
        }
        return line;
    }

    std::vector<const smoothing_job *> jobs_;
    bool terminal_;
    std::string shown_;
    int shown_fifth_ = -1;
};

} // namespace demo
