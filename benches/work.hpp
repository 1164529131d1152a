// A piece of work that is measured, and the list of them all. Each file beside this one adds the
// works of one library; `ratio.cpp` times them, `measure.cpp` counts their instructions.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>
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

// Something that `ratio.cpp` may let another thread do meanwhile.
using Disturbance = void (*)();
inline Disturbance disturbance = nullptr;

inline void require(bool fine)
{
    if (!fine) std::abort();
}

// A value of which the compiler knows nothing any more.
template <typename Value>
inline Value unknown(Value value)
{
    asm volatile("" : "+r"(value));
    return value;
}

// Makes the compiler assume that somebody else reads and writes it: what it allocates stays allocated.
template <typename Object>
inline void shown(Object &object)
{
    asm volatile("" : : "r"(&object) : "memory");
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

#ifdef __clang__
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 8")
#endif

// A loop around an inlined question. Eight of them per turn, so that the loop's own counting does
// not hide what a question costs.
template <typename Asked>
inline void ask_repeatedly(std::uint64_t times, Asked asked)
{
    for (std::uint64_t i = 0; i < times; i += 8) {
        UNROLLED
        for (int question = 0; question < 8; ++question) {
            if (__builtin_expect(asked(), 0)) return;
            asm volatile("");
        }
    }
}

// The work of that name; ends the program if there is none.
const Work &work_called(std::string_view name);

// See ratio.cpp, callbacks.cpp.
void print_ratio(const Work &work, const Work &peer, bool is_disturbed);
void print_callbacks(std::uint64_t count);

// See seen.cpp, wake.cpp, native_event.cpp, stopped_job.cpp.
void print_seen();
void print_wake_ratio();
void print_native_event();
void print_stopped_job();
