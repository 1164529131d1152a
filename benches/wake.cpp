// From a cancel to the wake-up of a thread that waits for it, beside a bare futex.
#include "work.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <thread>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <dcc_cancel.h>

namespace {

using clock_type = std::chrono::steady_clock;

// One waiter and one who wakes it, over and over: the time from each wake to when the waiter runs.
template <typename Make, typename Wait, typename Wake>
std::vector<double> latencies(int rounds, Make make, Wait wait, Wake wake)
{
    std::vector<double> result;
    for (int round = 0; round < rounds; ++round) {
        auto thing = make();
        std::atomic<bool> about_to_wait{false};
        clock_type::time_point woken;
        std::thread waiter([&] {
            about_to_wait = true;
            wait(thing);
            woken = clock_type::now();
        });
        while (!about_to_wait) std::this_thread::yield();
        // Long enough to be asleep.
        std::this_thread::sleep_for(std::chrono::microseconds(200));
        const auto start = clock_type::now();
        wake(thing);
        waiter.join();
        result.push_back(std::chrono::duration<double, std::nano>(woken - start).count());
    }
    std::sort(result.begin(), result.end());
    return result;
}

long futex(std::uint32_t *word, int operation, std::uint32_t value)
{
    return syscall(SYS_futex, word, operation, value, nullptr, nullptr, 0);
}

} // namespace

double wake_ratio()
{
    constexpr int rounds = 100;
    constexpr int turns = 9;
    std::vector<double> ratios;
    for (int turn = 0; turn < turns; ++turn) {
        const auto own = latencies(
            rounds,
            [] {
                dcc_cancel_token *token = nullptr;
                require(dcc_cancel_token_create(&token) == DCC_OK);
                return token;
            },
            [](dcc_cancel_token *token) {
                require(dcc_cancel_token_wait(token, DCC_NO_LIMIT) == DCC_CANCELLED_BY_TOKEN);
                require(dcc_cancel_token_release(token) == DCC_OK);
            },
            [](dcc_cancel_token *token) {
                require(dcc_cancel_token_cancel(token, nullptr, 0) == DCC_OK);
            });
        const auto peer = latencies(
            rounds, [] { return new std::uint32_t(0); },
            [](std::uint32_t *word) {
                while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == 0)
                    futex(word, FUTEX_WAIT_PRIVATE, 0);
            },
            [](std::uint32_t *word) {
                __atomic_store_n(word, 1, __ATOMIC_RELEASE);
                futex(word, FUTEX_WAKE_PRIVATE, INT_MAX);
            });
        ratios.push_back(own[rounds / 2] / peer[rounds / 2]);
    }
    std::sort(ratios.begin(), ratios.end());
    return ratios[turns / 2];
}
