// The time from a cancel to the wake-up of a thread that waits for it, beside a bare futex.
#include "waking.hpp"

#include <climits>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <dcc_cancel.h>

namespace {

long futex(std::uint32_t *word, int operation, std::uint32_t value)
{
    return syscall(SYS_futex, word, operation, value, nullptr, nullptr, 0);
}

} // namespace

void print_wake_ratio()
{
    const Waking token{
        [] {
            dcc_cancel_token *made = nullptr;
            require(dcc_cancel_token_create(&made) == DCC_OK);
            return made;
        },
        [](dcc_cancel_token *of, std::atomic<bool> &is_ready) {
            is_ready = true;
            require(dcc_cancel_token_wait(of, DCC_NO_LIMIT) == DCC_CANCELLED_BY_TOKEN);
        },
        [](dcc_cancel_token *of) { require(dcc_cancel_token_cancel(of, nullptr, 0) == DCC_OK); },
        [](dcc_cancel_token *of) { require(dcc_cancel_token_release(of) == DCC_OK); }};
    const Waking bare{
        [] { return new std::uint32_t(0); },
        [](std::uint32_t *word, std::atomic<bool> &is_ready) {
            is_ready = true;
            while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == 0) futex(word, FUTEX_WAIT_PRIVATE, 0);
        },
        [](std::uint32_t *word) {
            __atomic_store_n(word, 1, __ATOMIC_RELEASE);
            futex(word, FUTEX_WAKE_PRIVATE, INT_MAX);
        },
        [](std::uint32_t *word) { delete word; }};
    print_waking("cancel to the wake-up of a waiter", "futex", Meanwhile::sleeps, token, bare);
}
