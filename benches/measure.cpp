// Times or counts works:
//
//     measure ratio WORK PEER [disturbed]   time of WORK / time of PEER
//     measure wake                          from cancel to wake-up / the same of a futex
//     measure count WORK...                 calls `counted` with each, for callgrind
//
// A ratio is the median over many short rounds. In each round both run one after the other, in
// alternating order, so that both see the same clock frequency and the same neighbours on the
// machine; a round in which one of them was preempted is an outlier that a median leaves out.
#include "work.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <thread>

namespace {

constexpr int rounds = 1001;
constexpr double round_nanoseconds = 100'000;
// Both are multiples of the unrolled loop's eight and of a batch of jobs.
constexpr std::array<std::uint64_t, 2> counted_times = {1'024, 5'120};

const Work &find(std::string_view name)
{
    for (const Work &work : works())
        if (work.name == name) return work;
    std::fprintf(stderr, "no work is called %.*s\n", static_cast<int>(name.size()), name.data());
    std::exit(2);
}

double nanoseconds(const Work &work, std::uint64_t times)
{
    const auto start = std::chrono::steady_clock::now();
    work.run(times);
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
    return taken.count();
}

// How often a work has to be repeated to fill a round.
std::uint64_t calibrated(const Work &work)
{
    std::uint64_t times = 1'024;
    while (nanoseconds(work, times) < round_nanoseconds) times *= 2;
    return times;
}

double ratio(const Work &work, const Work &peer)
{
    const std::uint64_t times = calibrated(work);
    const std::uint64_t peer_times = calibrated(peer);
    std::vector<double> ratios;
    for (int round = 0; round < rounds; ++round) {
        double own = 0;
        double other = 0;
        if (round % 2 == 0) {
            own = nanoseconds(work, times);
            other = nanoseconds(peer, peer_times);
        } else {
            other = nanoseconds(peer, peer_times);
            own = nanoseconds(work, times);
        }
        const double per_call = own / static_cast<double>(times);
        ratios.push_back(per_call / (other / static_cast<double>(peer_times)));
    }
    const auto middle = ratios.begin() + rounds / 2;
    std::nth_element(ratios.begin(), middle, ratios.end());
    return *middle;
}

} // namespace

// Callgrind is told to start at zero when this is entered and to write down the count when it is
// left.
extern "C" [[gnu::noinline]] void counted(const Work &work, std::uint64_t times)
{
    work.run(times);
    asm volatile("" ::: "memory");
}

int main(int argc, char **argv)
{
    if (argc >= 4 && std::strcmp(argv[1], "ratio") == 0) {
        const bool disturbed = argc > 4 && std::strcmp(argv[4], "disturbed") == 0;
        // Hosts have threads, and some C libraries are faster while a process has only one: so
        // there is a second one, which sleeps unless it is to disturb.
        std::atomic<bool> over{false};
        std::thread other([&] {
            while (!over.load(std::memory_order_relaxed)) {
                if (disturbed) disturbance();
                else over.wait(false);
            }
        });
        std::printf("%.4f\n", ratio(find(argv[2]), find(argv[3])));
        over = true;
        over.notify_all();
        other.join();
        return 0;
    }
    if (argc >= 3 && std::strcmp(argv[1], "count") == 0) {
        for (int i = 2; i < argc; ++i) {
            const Work &work = find(argv[i]);
            // Lets the loader and the allocators do what they do only once.
            work.run(64);
            for (const std::uint64_t times : counted_times) counted(work, times);
        }
        return 0;
    }
    if (argc == 2 && std::strcmp(argv[1], "wake") == 0) {
        std::printf("%.4f\n", wake_ratio());
        return 0;
    }
    std::fprintf(
        stderr, "usage: measure ratio WORK PEER [disturbed] | measure wake | measure count WORK...\n");
    return 2;
}
