// How long a test waits for what is about to happen.
#ifndef DCC_TESTS_HANGS_HPP
#define DCC_TESTS_HANGS_HPP

#include <chrono>

// What takes longer hangs. No measure: nothing is to pass or fail by being quicker.
constexpr int hang_seconds =
#include "../support/hang_seconds"
    ;
constexpr std::chrono::seconds hangs_after{hang_seconds};

#endif
