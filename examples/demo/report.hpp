// What the demo prints: each check when it is made, and at the end the numbers of all scenes.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

#include "dcc_cancel.hpp"

namespace demo {

inline const char *name(dcc::job_state state)
{
    switch (state) {
    case dcc::job_state::none: return "none";
    case dcc::job_state::pending: return "pending";
    case dcc::job_state::running: return "running";
    case dcc::job_state::completed: return "completed";
    case dcc::job_state::failed: return "failed";
    case dcc::job_state::cancelled: return "cancelled";
    case dcc::job_state::interrupted: return "interrupted";
    }
    return "unknown";
}

// A number with commas: 1234567 becomes "1,234,567".
inline std::string grouped(std::uint64_t number)
{
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3;) {
        at -= 3;
        digits.insert(at, ",");
    }
    return digits;
}

inline std::string percent(double part)
{
    return std::to_string(static_cast<int>(100.0 * part)) + " %";
}

inline std::string duration(std::chrono::nanoseconds time)
{
    const bool long_one = time >= std::chrono::microseconds(100);
    char text[32];
    std::snprintf(text, sizeof text, "%.1f %s",
                  static_cast<double>(time.count()) / (long_one ? 1e6 : 1e3),
                  long_one ? "ms" : "us");
    return text;
}

class report {
public:
    void check(bool right, const std::string &what)
    {
        std::printf("  %s  %s\n", right ? "ok   " : "WRONG", what.c_str());
        ++checks_;
        wrong_ += right ? 0 : 1;
    }

    void same(const std::string &what, const std::string &expected, const std::string &seen)
    {
        check(seen == expected,
              what + ": " + seen + (seen == expected ? "" : ", expected " + expected));
    }

    int checks() const { return checks_; }
    int wrong() const { return wrong_; }

private:
    int checks_ = 0;
    int wrong_ = 0;
};

} // namespace demo
