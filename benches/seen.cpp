// The time from a cancel until a loop on another processor sees it, beside a store and a load.
#include "waking.hpp"

#include <dcc_cancel.h>

void print_seen()
{
    const Waking token{
        [] {
            dcc_cancel_token *made = nullptr;
            require(dcc_cancel_token_create(&made) == DCC_OK);
            return made;
        },
        [](dcc_cancel_token *of, std::atomic<bool> &is_ready) {
            const dcc_poll_layer layer = dcc_poll_of(of);
            is_ready = true;
            while (dcc_poll_one(layer) == DCC_OK) {}
        },
        [](dcc_cancel_token *of) { require(dcc_cancel_token_cancel(of, nullptr, 0) == DCC_OK); },
        [](dcc_cancel_token *of) { require(dcc_cancel_token_release(of) == DCC_OK); }};
    const Waking flag{
        [] { return new std::atomic<bool>(false); },
        [](std::atomic<bool> *of, std::atomic<bool> &is_ready) {
            is_ready = true;
            while (!of->load(std::memory_order_acquire)) {}
        },
        [](std::atomic<bool> *of) { of->store(true, std::memory_order_release); },
        [](std::atomic<bool> *of) { delete of; }};
    print_waking("cancel to seen by a loop of polls", "store to seen by a loop of loads", Meanwhile::works,
                 token, flag);
}
