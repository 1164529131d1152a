// The figures of many rounds, and the line from which compare.rs reads them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

// The number of rounds: `full`, or `quick` if DCC_BENCH_QUICK only asks whether the benchmark works.
inline int rounds(int full, int quick)
{
    const char *const asked = std::getenv("DCC_BENCH_QUICK");
    return asked != nullptr && *asked != '\0' ? quick : full;
}

// The value below which this part of the values lies.
inline double quantile(std::vector<double> values, double part)
{
    const auto place = values.begin() + static_cast<std::ptrdiff_t>(
                           static_cast<double>(values.size() - 1) * part + 0.5);
    std::nth_element(values.begin(), place, values.end());
    return *place;
}

// Prints one row of the table. `times` is the number of calls in a round. The ratios and the nanoseconds of
// one call have one entry for each round.
inline void print_row(const std::string &work, const std::string &peer, std::uint64_t times,
                      const std::vector<double> &ratios, const std::vector<double> &nanoseconds)
{
    std::printf("%s\t%s\t%.4f\t%.4f\t%.4f\t%zu\t%llu\t%.2f\n", work.c_str(), peer.c_str(),
                quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75), ratios.size(),
                static_cast<unsigned long long>(times), quantile(nanoseconds, 0.5));
}
