// Lets one thread wait for another without using the library.
#ifndef DCC_TESTS_GATE_HPP
#define DCC_TESTS_GATE_HPP

#include <condition_variable>
#include <mutex>

class gate {
public:
    void open()
    {
        std::lock_guard<std::mutex> lock(mutex_);
        is_open_ = true;
        opened_.notify_all();
    }

    void wait()
    {
        std::unique_lock<std::mutex> lock(mutex_);
        opened_.wait(lock, [this] { return is_open_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable opened_;
    bool is_open_ = false;
};

#endif
