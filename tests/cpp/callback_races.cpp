// Callbacks on several threads at the same time. The variables are plain on purpose: only the order that the
// library promises keeps ThreadSanitizer quiet.

#include "dcc_cancel.hpp"
#include "expect.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace {

constexpr int rounds = 300;

// Lets all its threads go at the same moment.
class start_line {
public:
    explicit start_line(int threads) : missing_(threads) {}

    void wait()
    {
        --missing_;
        while (missing_ != 0)
            std::this_thread::yield();
    }

private:
    std::atomic<int> missing_;
};

void destroyed_while_another_thread_cancels()
{
    for (int round = 0; round < rounds; ++round) {
        dcc::token token = dcc::token::create();
        start_line start(2);
        std::thread canceller([token, &start] {
            start.wait();
            token.cancel();
        });
        int steps = 0;
        {
            dcc::cancel_callback callback(token, [&steps] {
                ++steps;
                for (int i = 0; i < 4; ++i)
                    std::this_thread::yield();
                ++steps;
            });
            start.wait();
            for (int i = 0; i < round % 8; ++i)
                std::this_thread::yield();
        }
        EXPECT(steps == 0 || steps == 2);
        steps = 100; // a callback that still runs would race with this
        canceller.join();
        EXPECT(steps == 100);
    }
}

void made_while_another_thread_cancels()
{
    for (int round = 0; round < rounds; ++round) {
        dcc::token token = dcc::token::create();
        start_line start(2);
        std::thread canceller([token, &start] {
            start.wait();
            token.cancel();
        });
        start.wait();
        int calls = 0;
        dcc::cancel_callback callback(token, [&calls] { ++calls; });
        canceller.join();
        EXPECT(calls == 1);
    }
}

// A callable destroys its own callback object while other threads register and unregister.
void destroying_themselves_among_others()
{
    for (int round = 0; round < rounds; ++round) {
        struct node {
            std::optional<dcc::cancel_callback<std::function<void()>>> callback;
            std::vector<int> numbers{1, 2, 3};
        };
        dcc::token token = dcc::token::create();
        std::atomic<int> sum{0};
        constexpr int nodes = 8;
        for (int i = 0; i < nodes; ++i) {
            auto *self = new node;
            self->callback.emplace(token, [self, &sum, text = std::make_shared<int>(7)] {
                for (int number : self->numbers)
                    sum += number;
                delete self;
                sum += *text; // a capture
            });
        }
        start_line start(3);
        std::thread canceller([token, &start] {
            start.wait();
            token.cancel();
        });
        std::thread registering([token, &start] {
            start.wait();
            for (int i = 0; i < 10; ++i)
                dcc::cancel_callback passing(token, [] {});
        });
        start.wait();
        token.cancel();
        canceller.join();
        registering.join();
        EXPECT(sum == nodes * (1 + 2 + 3 + 7));
    }
}

// Two callables destroy each other's callback objects: some rounds pass, and in others one destructor cannot
// wait.
void destroying_each_other()
{
    for (int round = 0; round < rounds; ++round) {
        using object = std::optional<dcc::cancel_callback<std::function<void()>>>;
        dcc::token first = dcc::token::create();
        dcc::token second = dcc::token::create();
        object of_first;
        object of_second;
        auto captured = std::make_shared<std::atomic<int>>(0);
        of_first.emplace(first, [&of_second, captured] {
            of_second.reset();
            ++*captured;
        });
        of_second.emplace(second, [&of_first, captured] {
            of_first.reset();
            ++*captured;
        });
        start_line start(2);
        std::thread other([first, &start] {
            start.wait();
            first.cancel();
        });
        start.wait();
        second.cancel();
        other.join();
        of_first.reset();
        of_second.reset();
        EXPECT(*captured >= 1 && captured.use_count() == 1);
    }
}

void an_owner_closes_while_its_callbacks_run()
{
    for (int round = 0; round < rounds; ++round) {
        dcc::owner plugin = dcc::owner::create();
        std::vector<dcc::token> tokens;
        std::vector<std::unique_ptr<dcc::cancel_callback<std::function<void()>>>> callbacks;
        bool unloaded = false; // read by whatever is called, written when the close returned
        std::atomic<int> calls{0};
        for (int i = 0; i < 12; ++i) {
            tokens.push_back(dcc::token::create());
            callbacks.push_back(std::make_unique<dcc::cancel_callback<std::function<void()>>>(
                tokens.back(),
                [&unloaded, &calls] {
                    EXPECT(!unloaded);
                    ++calls;
                },
                plugin));
        }
        start_line start(3);
        std::vector<std::thread> cancellers;
        for (std::size_t first = 0; first < 2; ++first) {
            cancellers.emplace_back([first, &tokens, &start] {
                start.wait();
                for (std::size_t i = first; i < tokens.size(); i += 2)
                    tokens[i].cancel();
            });
        }
        start.wait();
        EXPECT(plugin.close() == DCC_OK);
        unloaded = true;
        const int called = calls;
        for (std::thread &canceller : cancellers)
            canceller.join();
        EXPECT(calls == called);
    }
}

void deadlines_race_with_their_scope()
{
    for (int round = 0; round < rounds; ++round) {
        int calls = 0;
        {
            dcc::token token = dcc::token::create();
            dcc::cancel_callback callback(token, [&calls] { ++calls; });
            dcc::deadline limit(token, std::chrono::microseconds(round));
            std::this_thread::yield();
            token.wait_for(std::chrono::microseconds(rounds / 2));
        }
        EXPECT(calls == 0 || calls == 1);
    }
}

} // namespace

int main()
{
    destroyed_while_another_thread_cancels();
    made_while_another_thread_cancels();
    destroying_themselves_among_others();
    destroying_each_other();
    an_owner_closes_while_its_callbacks_run();
    deadlines_race_with_their_scope();
    return 0;
}
