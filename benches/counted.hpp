// Runs works so that callgrind can count them.
#pragma once

#include "work.hpp"

#include <array>
#include <functional>
#include <memory>

// How often a work is done. callgrind counts both runs, and their difference gives the counts of one call.
// Both numbers are multiples of eight, the length of the unrolled loop, and of a batch of jobs.
constexpr std::array<std::uint64_t, 2> counted_times = {1'024, 5'120};

// callgrind starts from zero when this function is entered, and writes the counts when it is left.
extern "C" [[gnu::noinline]] inline void counted(const std::function<void()> &body)
{
    body();
    asm volatile("" ::: "memory");
}

// Calls before the count, so that the loader and the allocators do their one-time work there.
constexpr std::uint64_t warming_times = 64;

// The capacity for all events of a work: a ring that is full does more work for each event.
constexpr std::size_t observed_events = 2 * counted_times[1];

// Counts a work with each of the two numbers of calls.
inline void count(const Work &work)
{
    work.run(warming_times);
    for (const std::uint64_t times : counted_times) counted([&] { work.run(times); });
}

// A work that needs this many objects. Creating and releasing these is not counted.
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

// `Made` is constructed with the number of calls.
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
