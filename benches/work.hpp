// A piece of work that is measured, and the list of all of them. Each file beside this one adds the works of
// one library; `ratio.cpp` measures their times, `measure.cpp` counts their instructions.
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

// Something that `ratio.cpp` can let another thread do meanwhile.
using Disturbance = void (*)();
inline Disturbance disturbance = nullptr;

inline void require(bool fine)
{
    if (!fine) std::abort();
}

// Hides a value from the compiler.
template <typename Value>
inline Value unknown(Value value)
{
    asm volatile("" : "+r"(value));
    return value;
}

// Makes the compiler assume that other code reads and writes the object, so that its allocation is not
// removed.
template <typename Object>
inline void shown(Object &object)
{
    asm volatile("" : : "r"(&object) : "memory");
}

// A loop around a call. A compiler can neither move the call out of the loop nor merge it with the next.
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

// A loop around an inlined question. It asks eight times in each turn, so that the loop's own counting does
// not hide the cost of a question.
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

// The work with this name; ends the program if there is none.
const Work &work_called(std::string_view name);

// See ratio.cpp, callbacks.cpp.
void print_ratio(const Work &work, const Work &peer, bool is_disturbed);
void print_callbacks(std::uint64_t count);

// See seen.cpp, wake.cpp, native_event.cpp, stopped_job.cpp.
void print_seen();
void print_wake_ratio();
void print_native_event();
void print_stopped_job();
