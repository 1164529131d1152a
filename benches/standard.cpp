// The works of the C++ standard library.
#include "work.hpp"

#include <atomic>
#include <stop_token>

namespace {

const AddWork empty_loop{"empty call loop", [](std::uint64_t times) {
    call_repeatedly(times, [] {});
}};

const AddWork atomic_load{"atomic load", [](std::uint64_t times) {
    static std::atomic<bool> flag{false};
    ask_repeatedly(times, [] { return flag.load(std::memory_order_relaxed); });
}};

const AddWork stop_requested{"std::stop_token::stop_requested", [](std::uint64_t times) {
    static const std::stop_source source;
    const std::stop_token token = source.get_token();
    call_repeatedly(times, [&] { require(!token.stop_requested()); });
}};

const AddWork stop_source{"std::stop_source", [](std::uint64_t times) {
    call_repeatedly(times, [] {
        const std::stop_source source;
        require(source.stop_possible());
    });
}};

const AddWork stop_callback{"std::stop_callback", [](std::uint64_t times) {
    static const std::stop_source source;
    const std::stop_token token = source.get_token();
    call_repeatedly(times, [&] {
        const std::stop_callback callback(token, [] {});
    });
}};

} // namespace
