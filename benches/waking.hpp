// The time from an action of one thread to the reaction of another, measured over and over, beside that of a
// peer.
#pragma once

#include "at_work.hpp"
#include "figures.hpp"
#include "histogram.hpp"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

// What the other thread does until it gets the signal.
enum class Meanwhile { sleeps, works };

// An object to wait for and to wake. `wait` sets the flag when it is about to wait, or has begun to. The time
// does not include `drop`.
template <typename Make, typename Wait, typename Wake, typename Drop>
struct Waking {
    Make make;
    Wait wait;
    Wake wake;
    Drop drop;

    // The nanoseconds from a wake until the waiting thread goes on.
    double once(Meanwhile meanwhile) const
    {
        auto thing = make();
        std::atomic<bool> is_ready{false};
        double woken = 0;
        std::thread waiter([&] {
            stay_on(processors().back());
            wait(thing, is_ready);
            woken = now();
        });
        while (!is_ready) std::this_thread::yield();
        // Long enough for the other thread to fall asleep. A working thread is awake, and so is the thread
        // that signals it.
        if (meanwhile == Meanwhile::sleeps)
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        for (const double end = now() + 20'000; now() < end;) {}
        const double start = now();
        wake(thing);
        waiter.join();
        drop(thing);
        return woken - start;
    }
};

template <typename Make, typename Wait, typename Wake, typename Drop>
Waking(Make, Wait, Wake, Drop) -> Waking<Make, Wait, Wake, Drop>;

// Prints a row, in which a round is a median of many wake-ups, because a single one says little; then all of
// them as histograms.
template <typename Own, typename Peer>
void print_waking(const std::string &work, const std::string &peer, Meanwhile meanwhile, const Own &own,
                  const Peer &other)
{
    stay_on(processors().front());
    constexpr int wakes = 50;
    const int turns = rounds(41, 5);
    std::vector<double> ratios;
    std::vector<double> times;
    std::vector<double> all;
    std::vector<double> all_of_peer;
    for (int turn = 0; turn <= turns; ++turn) {
        std::vector<double> mine;
        std::vector<double> others;
        for (int wake = 0; wake < wakes; ++wake) {
            if (wake % 2 == 0) mine.push_back(own.once(meanwhile));
            others.push_back(other.once(meanwhile));
            if (wake % 2 != 0) mine.push_back(own.once(meanwhile));
        }
        // The first turn does the one-time work.
        if (turn == 0) continue;
        times.push_back(quantile(mine, 0.5));
        ratios.push_back(times.back() / quantile(others, 0.5));
        all.insert(all.end(), mine.begin(), mine.end());
        all_of_peer.insert(all_of_peer.end(), others.begin(), others.end());
    }
    print_row(work, peer, wakes, ratios, times);
    print_histograms(work, peer, all, all_of_peer);
}
