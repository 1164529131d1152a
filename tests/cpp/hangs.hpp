// How long a test waits for an event that must come.
#ifndef DCC_TESTS_HANGS_HPP
#define DCC_TESTS_HANGS_HPP

#include <chrono>

// A wait that takes longer counts as hanging. This measures nothing: no test may pass or fail because it is
// quicker.
constexpr int hang_seconds =
#include "../support/hang_seconds"
    ;
constexpr std::chrono::seconds hangs_after{hang_seconds};

#endif
