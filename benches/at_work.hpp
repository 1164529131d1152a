// Two threads are at once only where each has a processor. This says where a thread is to run, and
// whether two of them really were at work together.
#pragma once

#include "work.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include <sched.h>
#include <sys/resource.h>

// The processors that this process may use. They are read once, before `stay_on` leaves one of them.
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

// When a thread did something, and whether another program took its processor meanwhile. To sleep at a
// lock is the work's own.
struct Stay {
    double begin = 0;
    double end = 0;
    bool was_interrupted = false;

    double length() const { return end - begin; }
};

// How often others took the processor from this thread.
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

// Does it, and notes the time.
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

// Whether nobody interrupted them and most of the time was the same. One of two may well be slower, such
// as who posts to another thread's dispatcher.
inline bool were_together(const Stay &one, const Stay &other)
{
    const double shared = std::min(one.end, other.end) - std::max(one.begin, other.begin);
    const double longer = std::max(one.length(), other.length());
    return !one.was_interrupted && !other.was_interrupted && shared >= 0.6 * longer;
}
