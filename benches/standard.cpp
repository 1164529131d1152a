// The works of the C++ standard library.
#include "work.hpp"

#include <atomic>
#include <chrono>
#include <stop_token>

// See why_to_stop.cpp.
int why_to_stop(std::uint64_t expected);

namespace {

const AddWork empty_loop{"empty call loop", [](std::uint64_t times) {
    call_repeatedly(times, [] {});
}};

const AddWork clock_read{"std::chrono::steady_clock::now", [](std::uint64_t times) {
    call_repeatedly(times, [] {
        const auto now = std::chrono::steady_clock::now();
        shown(now);
    });
}};

// The peer of a poll: the same load and compare, of a word that other code writes, and the same call to a
// function that the compiler does not know if they differ. Without that call the loop would keep other
// registers and be shorter, and some processors run such a loop more slowly.
std::atomic<std::uint64_t> word{0};

const AddWork load_and_compare{"load and compare", [](std::uint64_t times) {
    const std::uint64_t expected = unknown(times);
    word.store(expected, std::memory_order_relaxed);
    const std::atomic<std::uint64_t> *const place = unknown(&word);
    ask_repeatedly(times, [=] {
        if (__builtin_expect(place->load(std::memory_order_relaxed) == expected, 1)) return false;
        return why_to_stop(expected) != 0;
    });
}};

// The cost of a counter that all threads share.
const AddWork fetch_add{"fetch_add", [](std::uint64_t times) {
    static std::atomic<std::uint64_t> shared{0};
    std::atomic<std::uint64_t> *const place = unknown(&shared);
    ask_repeatedly(times, [=] {
        place->fetch_add(1, std::memory_order_relaxed);
        return false;
    });
}};

const AddWork stop_requested{"std::stop_token::stop_requested", [](std::uint64_t times) {
    static const std::stop_source source;
    const std::stop_token token = source.get_token();
    call_repeatedly(times, [&] { require(!token.stop_requested()); });
}};

const AddWork stop_source{"std::stop_source", [](std::uint64_t times) {
    call_repeatedly(times, [] {
        std::stop_source source;
        shown(source);
    });
}};

const AddWork stop_callback{"std::stop_callback", [](std::uint64_t times) {
    static const std::stop_source source;
    const std::stop_token token = source.get_token();
    call_repeatedly(times, [&] {
        std::stop_callback callback(token, [] {});
        shown(callback);
    });
}};

} // namespace
