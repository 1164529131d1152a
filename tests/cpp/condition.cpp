// Condition variables that a cancel wakes. Also compiled without exceptions.

#include "dcc_cancel.hpp"
#include "expect.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <thread>

namespace {

using namespace std::chrono_literals;

template <class Condition, class Lock, class Mutex> void it_is_woken()
{
    Mutex mutex;
    Condition changed;
    bool is_ready = false;
    const auto ready = [&is_ready] { return is_ready; };
    const dcc::token token = dcc::token::create();
    Lock lock(mutex);

    // The condition comes true.
    std::thread other([&] {
        const Lock theirs(mutex);
        is_ready = true;
        changed.notify_all();
    });
    EXPECT(dcc::wait(changed, lock, token, ready) && lock.owns_lock());
    lock.unlock();
    other.join();
    lock.lock();
    EXPECT(dcc::wait(changed, lock, token, ready) && dcc::wait_for(changed, lock, token, 0s, ready));

    // The time limit passes.
    is_ready = false;
    EXPECT(!dcc::wait_for(changed, lock, token, 1ms, ready) && !token.is_cancelled() && lock.owns_lock());
    EXPECT(!dcc::wait_for(changed, lock, token, -1s, ready));
    EXPECT(!dcc::wait_for(changed, lock, dcc::token(), 1ms, ready));
    EXPECT(!dcc::wait_until(changed, lock, token, std::chrono::system_clock::now() + 1ms, ready));

    // A cancel comes, even one by a thread that holds the mutex.
    std::thread canceller([&] {
        const Lock theirs(mutex);
        token.cancel();
    });
    EXPECT(!dcc::wait_for(changed, lock, token, (std::chrono::hours::max)(), ready) && lock.owns_lock());
    lock.unlock();
    canceller.join();
    lock.lock();
    EXPECT(!dcc::wait(changed, lock, token, ready));
    is_ready = true;
    EXPECT(dcc::wait(changed, lock, token, ready));
}

void without_a_token_it_waits_for_the_rest()
{
    std::mutex mutex;
    std::condition_variable changed;
    std::atomic<bool> is_ready{false};
    std::thread other([&] {
        const std::lock_guard<std::mutex> theirs(mutex);
        is_ready = true;
        changed.notify_all();
    });
    std::unique_lock<std::mutex> lock(mutex);
    EXPECT(dcc::wait(changed, lock, dcc::token(), [&is_ready] { return is_ready.load(); }));
    lock.unlock();
    other.join();
}

// A cancel comes at any moment while a thread begins to wait.
void no_wake_up_is_lost()
{
    for (int round = 0; round < 300; ++round) {
        std::mutex mutex;
        std::condition_variable changed;
        const dcc::token token = dcc::token::create();
        std::atomic<bool> is_there{false};
        std::thread canceller([&] {
            while (!is_there)
                std::this_thread::yield();
            token.cancel();
        });
        std::unique_lock<std::mutex> lock(mutex);
        is_there = true;
        EXPECT(!dcc::wait(changed, lock, token, [] { return false; }));
        lock.unlock();
        canceller.join();
    }
}

#if DCC_CANCEL_EXCEPTIONS

void the_lock_is_held_when_the_condition_throws()
{
    std::mutex mutex;
    std::condition_variable changed;
    std::unique_lock<std::mutex> lock(mutex);
    int asked = 0;
    try {
        dcc::wait(changed, lock, dcc::token::create(), [&asked] {
            if (++asked == 2)
                throw 7;
            return false;
        });
        EXPECT(false && "it threw nothing");
    } catch (int thrown) {
        EXPECT(thrown == 7 && lock.owns_lock());
    }
}

#endif

} // namespace

int main()
{
    it_is_woken<std::condition_variable, std::unique_lock<std::mutex>, std::mutex>();
    it_is_woken<std::condition_variable_any, std::unique_lock<std::mutex>, std::mutex>();
    it_is_woken<std::condition_variable_any, std::unique_lock<std::shared_mutex>, std::shared_mutex>();
    without_a_token_it_waits_for_the_rest();
    no_wake_up_is_lost();
#if DCC_CANCEL_EXCEPTIONS
    the_lock_is_held_when_the_condition_throws();
#endif
    return 0;
}
