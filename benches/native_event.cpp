// The time from a cancel to the wake-up of a thread that polls its native event, beside an eventfd that is
// written.
#include "waking.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <dcc_cancel.h>

namespace {

void wait_for(int descriptor)
{
    pollfd waited{descriptor, POLLIN, 0};
    require(::poll(&waited, 1, -1) == 1);
}

struct Token {
    dcc_cancel_token *token = nullptr;
    dcc_native_event event = 0;
};

} // namespace

void print_native_event()
{
    const Waking token{
        [] {
            Token made;
            require(dcc_cancel_token_create(&made.token) == DCC_OK);
            require(dcc_cancel_token_native_event(made.token, &made.event) == DCC_OK);
            return made;
        },
        [](const Token &of, std::atomic<bool> &is_ready) {
            is_ready = true;
            wait_for(static_cast<int>(of.event));
        },
        [](const Token &of) { require(dcc_cancel_token_cancel(of.token, nullptr, 0) == DCC_OK); },
        [](const Token &of) {
            require(dcc_native_event_close(of.event) == DCC_OK);
            require(dcc_cancel_token_release(of.token) == DCC_OK);
        }};
    const Waking bare{
        [] { return eventfd(0, EFD_CLOEXEC); },
        [](int descriptor, std::atomic<bool> &is_ready) {
            is_ready = true;
            wait_for(descriptor);
        },
        [](int descriptor) {
            const std::uint64_t one = 1;
            require(write(descriptor, &one, sizeof one) == sizeof one);
        },
        [](int descriptor) { close(descriptor); }};
    print_waking("cancel to poll() of a native event", "eventfd written", Meanwhile::sleeps, token, bare);
}
