// Writes a variable that a callback also writes, after unregistering the callback without waiting for it. It
// does so several times, because the sanitizer misses two writes at the very same moment.

#include "dcc_cancel.hpp"

#include <atomic>
#include <thread>

namespace {

// Relaxed, so that only the library could order the two writes.
std::atomic<int> stage{0};
int value = 0;

void wait_for(int awaited)
{
    while (stage.load(std::memory_order_relaxed) != awaited)
        std::this_thread::yield();
}

void called(const dcc_cancel_token *, void *)
{
    stage.store(1, std::memory_order_relaxed);
    wait_for(2);
    ++value;
}

void race()
{
    stage.store(0, std::memory_order_relaxed);
    dcc::token token = dcc::token::create();
    dcc_registration *registration = nullptr;
    dcc_cancel_token_register(token.get(), called, nullptr, nullptr, nullptr, &registration);
    std::thread canceller([&token] { token.cancel(); });
    wait_for(1);
    dcc_registration_unregister_no_wait(registration);
    stage.store(2, std::memory_order_relaxed);
    ++value;
    canceller.join();
}

} // namespace

int main()
{
    for (int round = 0; round < 50; ++round)
        race();
    return 0;
}
