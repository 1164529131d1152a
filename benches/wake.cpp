// From a cancel to the wake-up of a thread that waits for it, beside a bare futex.
#include "figures.hpp"
#include "work.hpp"

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

// What is waited for and woken; `drop` is no part of the time.
template <typename Make, typename Wait, typename Wake, typename Drop>
struct Waking {
    Make make;
    Wait wait;
    Wake wake;
    Drop drop;

    // From a wake to when the waiter runs, in nanoseconds.
    double once() const
    {
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
        drop(thing);
        return std::chrono::duration<double, std::nano>(woken - start).count();
    }
};

template <typename Make, typename Wait, typename Wake, typename Drop>
Waking(Make, Wait, Wake, Drop) -> Waking<Make, Wait, Wake, Drop>;

long futex(std::uint32_t *word, int operation, std::uint32_t value)
{
    return syscall(SYS_futex, word, operation, value, nullptr, nullptr, 0);
}

} // namespace

void print_wake_ratio()
{
    const Waking token{
        [] {
            dcc_cancel_token *made = nullptr;
            require(dcc_cancel_token_create(&made) == DCC_OK);
            return made;
        },
        [](dcc_cancel_token *of) {
            require(dcc_cancel_token_wait(of, DCC_NO_LIMIT) == DCC_CANCELLED_BY_TOKEN);
        },
        [](dcc_cancel_token *of) { require(dcc_cancel_token_cancel(of, nullptr, 0) == DCC_OK); },
        [](dcc_cancel_token *of) { require(dcc_cancel_token_release(of) == DCC_OK); }};
    const Waking bare{
        [] { return new std::uint32_t(0); },
        [](std::uint32_t *word) {
            while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == 0) futex(word, FUTEX_WAIT_PRIVATE, 0);
        },
        [](std::uint32_t *word) {
            __atomic_store_n(word, 1, __ATOMIC_RELEASE);
            futex(word, FUTEX_WAKE_PRIVATE, INT_MAX);
        },
        [](std::uint32_t *word) { delete word; }};
    // A single wake-up says little: a round is a median of many, with both taking turns.
    constexpr int wakes = 50;
    const int turns = rounds(41, 5);
    std::vector<double> ratios;
    std::vector<double> times;
    for (int turn = 0; turn <= turns; ++turn) {
        std::vector<double> own;
        std::vector<double> peer;
        for (int wake = 0; wake < wakes; ++wake) {
            if (wake % 2 == 0) own.push_back(token.once());
            peer.push_back(bare.once());
            if (wake % 2 != 0) own.push_back(token.once());
        }
        // The first one makes what is made once.
        if (turn == 0) continue;
        times.push_back(quantile(own, 0.5));
        ratios.push_back(times.back() / quantile(peer, 0.5));
    }
    print_row("cancel to the wake-up of a waiter", "futex", wakes, ratios, times);
}
