// What callgrind counts.
#pragma once

#include "work.hpp"

#include <array>
#include <functional>
#include <memory>

// How often a work is done: callgrind's counts of both, and of one call by their difference. Both are
// multiples of the unrolled loop's eight and of a batch of jobs.
constexpr std::array<std::uint64_t, 2> counted_times = {1'024, 5'120};

// Callgrind is told to start at zero when this is entered and to write down the count when it is left.
extern "C" [[gnu::noinline]] inline void counted(const std::function<void()> &body)
{
    body();
    asm volatile("" ::: "memory");
}

// Lets the loader and the allocators do what they do only once.
constexpr std::uint64_t warming_times = 64;

// Room for all events of a work: a ring that loses some does more.
constexpr std::size_t observed_events = 2 * counted_times[1];

// Counts a work at each number of times.
inline void count(const Work &work)
{
    work.run(warming_times);
    for (const std::uint64_t times : counted_times) counted([&] { work.run(times); });
}

// Something that needs so many things: what makes them and lets them go is not counted.
class Prepared {
public:
    Prepared() = default;
    virtual ~Prepared() = default;
    Prepared(const Prepared &) = delete;
    Prepared &operator=(const Prepared &) = delete;
    virtual void run() = 0;
};

struct PreparedWork {
    const char *name;
    std::unique_ptr<Prepared> (*make)(std::uint64_t times);
};

inline std::vector<PreparedWork> &prepared_works()
{
    static std::vector<PreparedWork> list;
    return list;
}

// `Made` is constructed with a number of times.
template <typename Made>
struct AddPrepared {
    explicit AddPrepared(const char *name)
    {
        prepared_works().push_back({name, [](std::uint64_t times) -> std::unique_ptr<Prepared> {
                                        return std::make_unique<Made>(times);
                                    }});
    }
};

inline void count(const PreparedWork &work)
{
    work.make(warming_times)->run();
    for (const std::uint64_t times : counted_times) {
        const std::unique_ptr<Prepared> prepared = work.make(times);
        counted([&] { prepared->run(); });
    }
}
