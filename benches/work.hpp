// A piece of work that is measured, and the list of them all. Each file beside this one adds the
// works of one library; `measure.cpp` times and counts them.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <vector>

struct Work {
    const char *name;
    void (*run)(std::uint64_t times);
};

inline std::vector<Work> &works()
{
    static std::vector<Work> list;
    return list;
}

struct AddWork {
    AddWork(const char *name, void (*run)(std::uint64_t times)) { works().push_back({name, run}); }
};

// Something that `measure.cpp` may let another thread do meanwhile.
using Disturbance = void (*)();
inline Disturbance disturbance = nullptr;

inline void require(bool fine)
{
    if (!fine) std::abort();
}

// A loop around a call that a compiler can neither take out of the loop nor merge with the next.
template <typename Call>
inline void call_repeatedly(std::uint64_t times, Call call)
{
    for (std::uint64_t i = 0; i < times; ++i) {
        call();
        asm volatile("" ::: "memory");
    }
}

// A loop around an inlined question. Eight of them per turn, so that the loop's own counting does
// not hide what a question costs.
template <typename Asked>
inline void ask_repeatedly(std::uint64_t times, Asked asked)
{
    for (std::uint64_t i = 0; i < times; i += 8) {
#pragma GCC unroll 8
        for (int question = 0; question < 8; ++question) {
            if (__builtin_expect(asked(), 0)) return;
            asm volatile("");
        }
    }
}

// See wake.cpp.
double wake_ratio();
