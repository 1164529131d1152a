// How often a work took how long, beside its peer: as lines that begin with a space for people, and as fields
// separated by tabs for pictures, see compare/record.rs.
#pragma once

#include "figures.hpp"

#include <cmath>

// The number of values in [from, to).
inline std::size_t between(const std::vector<double> &values, double from, double to)
{
    std::size_t found = 0;
    for (const double value : values)
        if (value >= from && value < to) ++found;
    return found;
}

inline void print_quantiles(const char *whose, const std::vector<double> &nanoseconds)
{
    std::printf("    %-5s %zu times: 10 %% %.0f, half %.0f, 90 %% %.0f, 99 %% %.0f, longest %.0f ns\n", whose,
                nanoseconds.size(), quantile(nanoseconds, 0.1), quantile(nanoseconds, 0.5),
                quantile(nanoseconds, 0.9), quantile(nanoseconds, 0.99), quantile(nanoseconds, 1));
}

inline void print_histograms(const std::string &work, const std::string &peer,
                             const std::vector<double> &own, const std::vector<double> &others)
{
    print_quantiles("own", own);
    print_quantiles("peer", others);
    const double least = std::max(1.0, std::min(quantile(own, 0), quantile(others, 0)));
    const double most = std::max(quantile(own, 1), quantile(others, 1));
    std::printf("    %12s %8s %8s\n", "below ns", "own", "peer");
    std::printf("histogram\t%s\t%s\n", work.c_str(), peer.c_str());
    // Each place is half as wide again as the one before.
    for (double from = std::exp2(std::floor(std::log2(least))); from <= most; from *= 1.5) {
        const std::size_t of_own = between(own, from, from * 1.5);
        const std::size_t of_peer = between(others, from, from * 1.5);
        if (of_own + of_peer == 0) continue;
        const std::string bar(1 + of_own * 40 / own.size(), '#');
        std::printf("    %12.0f %8zu %8zu %s\n", from * 1.5, of_own, of_peer, of_own == 0 ? "" : bar.c_str());
        std::printf("place\t%.3f\t%zu\t%zu\n", from * 1.5, of_own, of_peer);
    }
}
