// Two threads run at the same time only if each has a processor. This sets where a thread runs, and finds out
// whether two of them really ran together.
#pragma once

#include "work.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include <sched.h>
#include <sys/resource.h>

// The processors that this process may use. They are read once, before `stay_on` restricts the thread to one.
inline const std::vector<int> &processors()
{
    static const std::vector<int> all = [] {
        cpu_set_t allowed;
        require(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
        std::vector<int> found;
        for (int number = 0; number < CPU_SETSIZE; ++number)
            if (CPU_ISSET(number, &allowed)) found.push_back(number);
        return found;
    }();
    return all;
}

// Keeps the calling thread on one processor.
inline void stay_on(int processor)
{
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(processor, &only);
    require(sched_setaffinity(0, sizeof only, &only) == 0);
}

// When a thread did its work, and whether another program took its processor meanwhile. Sleeping at a lock
// belongs to the work.
struct Stay {
    double begin = 0;
    double end = 0;
    bool was_interrupted = false;

    double length() const { return end - begin; }
};

// How often other programs took the processor from this thread.
inline long interruptions()
{
    rusage usage{};
    require(getrusage(RUSAGE_THREAD, &usage) == 0);
    return usage.ru_nivcsw;
}

inline double now()
{
    const std::chrono::duration<double, std::nano> time =
        std::chrono::steady_clock::now().time_since_epoch();
    return time.count();
}

// Runs the body and notes the times.
template <typename Body>
inline Stay timed(Body body)
{
    Stay stay;
    const long before = interruptions();
    stay.begin = now();
    body();
    stay.end = now();
    stay.was_interrupted = interruptions() != before;
    return stay;
}

// Whether neither thread was interrupted and most of their times overlap. One of them may well be slower,
// such as a thread that posts to another thread's dispatcher.
inline bool were_together(const Stay &one, const Stay &other)
{
    const double shared = std::min(one.end, other.end) - std::max(one.begin, other.begin);
    const double longer = std::max(one.length(), other.length());
    return !one.was_interrupted && !other.was_interrupted && shared >= 0.6 * longer;
}
