// The ratio of two works is the median over many short rounds. In each round both run one after the other, in
// alternating order, so that both have the same clock frequency and the same neighbours on the machine. A
// round in which one of them was preempted is an outlier, which a median leaves out.
#include "figures.hpp"
#include "work.hpp"

#include <atomic>
#include <chrono>
#include <thread>

namespace {

constexpr double round_nanoseconds = 100'000;

double nanoseconds(const Work &work, std::uint64_t times)
{
    const auto start = std::chrono::steady_clock::now();
    work.run(times);
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
    return taken.count();
}

// How often a work must be repeated to fill a round. The first run does one-time work, such as getting memory
// and the thread's records, and any run may be interrupted. So the quicker of two decides.
std::uint64_t calibrated(const Work &work)
{
    std::uint64_t times = 1'024;
    work.run(times);
    while (std::min(nanoseconds(work, times), nanoseconds(work, times)) < round_nanoseconds) times *= 2;
    return times;
}

void measure(const Work &work, const Work &peer, bool is_disturbed)
{
    const std::uint64_t times = calibrated(work);
    const std::uint64_t peer_times = calibrated(peer);
    std::vector<double> ratios;
    std::vector<double> own_times;
    const int count = rounds(1001, 101);
    for (int round = 0; round < count; ++round) {
        double own = 0;
        double other = 0;
        if (round % 2 == 0) {
            own = nanoseconds(work, times);
            other = nanoseconds(peer, peer_times);
        } else {
            other = nanoseconds(peer, peer_times);
            own = nanoseconds(work, times);
        }
        own_times.push_back(own / static_cast<double>(times));
        ratios.push_back(own_times.back() / (other / static_cast<double>(peer_times)));
    }
    const std::string name = is_disturbed ? std::string(work.name) + ", others retain it" : work.name;
    print_row(name, peer.name, times, ratios, own_times);
}

} // namespace

void print_ratio(const Work &work, const Work &peer, bool is_disturbed)
{
    // Hosts have several threads, and some C libraries are faster while a process has only one. So there is a
    // second thread, which sleeps unless it is to disturb.
    std::atomic<bool> over{false};
    std::thread other([&] {
        while (!over.load(std::memory_order_relaxed)) {
            if (is_disturbed) disturbance();
            else over.wait(false);
        }
    });
    measure(work, peer, is_disturbed);
    over = true;
    over.notify_all();
    other.join();
}
