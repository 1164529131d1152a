// Shows: a blocking download that does not poll, and that a deadline or a user ends: a callback of the
// token wakes it, as a program would wake a socket. Then the same code, written for std::stop_token.
//
// Run, after `cargo build --release`, on Linux:
//     ln -sf libdcc_cancel.so target/release/libdcc_cancel.so.2
//     c++ -std=c++17 -O2 -pthread -Iinclude -Ltarget/release examples/callbacks.cpp
//         -ldcc_cancel -Wl,-rpath,target/release -o target/callbacks   (one line)
//     target/callbacks

#include "dcc_cancel.hpp"
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

using namespace std::chrono_literals;

// Stands for a library that blocks and knows nothing of tokens, but can be shut down.
class connection {
public:
    bool receive()
    {
        std::unique_lock<std::mutex> lock(mutex_);
        return !changed_.wait_for(lock, 1min, [this] { return is_shut_down_; });
    }

    void shut_down()
    {
        std::lock_guard<std::mutex> lock(mutex_);
        is_shut_down_ = true;
        changed_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_shut_down_ = false;
};

bool download(const dcc::token &token)
{
    connection server;
    dcc::cancel_callback wake(token, [&server] { server.shut_down(); });
    return server.receive();
}

// The same download for the stop_token of any library.
template <template <class> class Callback, class StopToken> bool download_until(StopToken stop)
{
    connection server;
    auto shut_down = [&server] { server.shut_down(); };
    Callback<decltype(shut_down)> wake(stop, shut_down);
    return server.receive();
}

int main()
{
    dcc::token slow = dcc::token::create();
    {
        dcc::deadline limit(slow, 50ms);
        download(slow);
    }
    const bool timed_out = slow.cause() == dcc::cause::deadline;
    std::puts(timed_out ? "the first took too long" : "the first came in time");

    dcc::stop_source source;
    std::thread user([source] {
        std::this_thread::sleep_for(50ms);
        source.request_stop();
    });
    const bool stopped = !download_until<dcc::stop_callback>(source.get_token());
    user.join();
    std::puts(stopped ? "the second was stopped" : "the second came in time");
    return timed_out && stopped ? 0 : 1;
}
