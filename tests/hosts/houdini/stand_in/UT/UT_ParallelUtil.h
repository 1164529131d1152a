// Stand-in for UT/UT_ParallelUtil.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_UT_UT_PARALLELUTIL_H
#define STAND_IN_UT_UT_PARALLELUTIL_H

#include <algorithm>
#include <cstddef>
#include <functional>

template <typename T> class UT_BlockedRange
{
public:
    UT_BlockedRange(T begin_value, T end_value) : myBegin(begin_value), myEnd(end_value) {}
    T begin() const { return myBegin; }
    T end() const { return myEnd; }
    std::size_t size() const { return static_cast<std::size_t>(myEnd - myBegin); }

private:
    T myBegin, myEnd;
};

namespace stand_in {

// How many threads work on a loop, the calling one included, whatever the machine has.
constexpr int number_of_threads = 4;

// Calls `chunk` with 0 to count - 1 on the threads of the pool and on this one, as TBB does.
void run_in_parallel(int count, const std::function<void(int)> &chunk);

void run_isolated(const std::function<void()> &function);

} // namespace stand_in

template <typename F>
void
UTisolate(const F &f)
{
    stand_in::run_isolated(f);
}

template <typename T, typename Body>
void
UTparallelFor(const UT_BlockedRange<T> &range, const Body &body, const int subscribe_ratio = 2,
              const int min_grain_size = 1)
{
    const T total = range.end() - range.begin();
    if (total <= 0)
        return;
    const T grain = std::max(T(min_grain_size), total / (subscribe_ratio * stand_in::number_of_threads));
    const T chunks = (total + grain - 1) / grain;
    stand_in::run_in_parallel(static_cast<int>(chunks), [&](int number) {
        const T first = range.begin() + number * grain;
        body(UT_BlockedRange<T>(first, std::min(range.end(), first + grain)));
    });
}

#endif
