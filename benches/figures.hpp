// What many rounds say, and the line in which compare.rs reads it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

// So many rounds; fewer where DCC_BENCH_QUICK asks only whether it works.
inline int rounds(int full, int quick)
{
    const char *const asked = std::getenv("DCC_BENCH_QUICK");
    return asked != nullptr && *asked != '\0' ? quick : full;
}

// The value below which such a part of the values is.
inline double quantile(std::vector<double> values, double part)
{
    const auto place = values.begin() + static_cast<std::ptrdiff_t>(
                           static_cast<double>(values.size() - 1) * part + 0.5);
    std::nth_element(values.begin(), place, values.end());
    return *place;
}

// One row of the table. `times` is how often a round calls; ratios and nanoseconds of one call, each
// of a round.
inline void print_row(const std::string &work, const std::string &peer, std::uint64_t times,
                      const std::vector<double> &ratios, const std::vector<double> &nanoseconds)
{
    std::printf("%s\t%s\t%.4f\t%.4f\t%.4f\t%zu\t%llu\t%.2f\n", work.c_str(), peer.c_str(),
                quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75), ratios.size(),
                static_cast<unsigned long long>(times), quantile(nanoseconds, 0.5));
}
