// A token with one to a million callbacks: registering one more, and a cancel that calls all of them.
#include "figures.hpp"
#include "work.hpp"

#include <chrono>
#include <deque>
#include <stop_token>

#include <dcc_cancel.h>

namespace {

template <typename Body>
double nanoseconds(Body body)
{
    const auto start = std::chrono::steady_clock::now();
    body();
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
    return taken.count();
}

class Ours {
public:
    Ours() { require(dcc_cancel_token_create(&token_) == DCC_OK); }
    ~Ours()
    {
        for (dcc_registration *one : registrations_) require(dcc_registration_unregister(one) >= 0);
        require(dcc_cancel_token_release(token_) == DCC_OK);
    }
    Ours(const Ours &) = delete;
    Ours &operator=(const Ours &) = delete;

    void add(std::uint64_t &called) { registrations_.push_back(registered(called)); }

    void add_and_remove(std::uint64_t &called)
    {
        require(dcc_registration_unregister(registered(called)) == DCC_OK);
    }

    void cancel() { require(dcc_cancel_token_cancel(token_, nullptr, 0) == DCC_OK); }

private:
    dcc_registration *registered(std::uint64_t &called)
    {
        dcc_registration *made = nullptr;
        require(dcc_cancel_token_register(token_, count, &called, nullptr, nullptr, &made) == DCC_OK);
        return made;
    }

    static void count(const dcc_cancel_token *, void *called)
    {
        ++*static_cast<std::uint64_t *>(called);
    }

    dcc_cancel_token *token_ = nullptr;
    std::deque<dcc_registration *> registrations_;
};

class Standard {
public:
    void add(std::uint64_t &called) { callbacks_.emplace_back(source_.get_token(), Count{&called}); }

    void add_and_remove(std::uint64_t &called)
    {
        std::stop_callback callback(source_.get_token(), Count{&called});
        shown(callback);
    }

    void cancel() { require(source_.request_stop()); }

private:
    struct Count {
        std::uint64_t *called;
        void operator()() const { ++*called; }
    };

    std::stop_source source_;
    std::deque<std::stop_callback<Count>> callbacks_;
};

constexpr std::uint64_t added = 1'024;

// Registers and unregisters one more callback while the token has this many. Returns the nanoseconds of one.
template <typename Side>
double add_and_remove(Side &side)
{
    std::uint64_t called = 0;
    const double time = nanoseconds(
        [&] { call_repeatedly(added, [&] { side.add_and_remove(called); }); });
    require(called == 0);
    return time / static_cast<double>(added);
}

// Cancels this many tokens with this many callbacks each. Returns the nanoseconds of one callback.
template <typename Side>
double cancel(std::uint64_t tokens, std::uint64_t count)
{
    std::uint64_t called = 0;
    std::deque<Side> sides(tokens);
    for (Side &side : sides)
        for (std::uint64_t i = 0; i < count; ++i) side.add(called);
    const double time = nanoseconds([&] {
        for (Side &side : sides) side.cancel();
    });
    require(called == tokens * count);
    return time / static_cast<double>(called);
}

template <typename Own, typename Peer>
void print_rounds(const std::string &work, const std::string &peer, int count, std::uint64_t times,
                  Own own, Peer other)
{
    std::vector<double> ratios;
    std::vector<double> times_of_own;
    // The first round does the one-time work.
    for (int round = 0; round <= count; ++round) {
        const double others_before = round % 2 == 0 ? other() : 0;
        const double mine = own();
        const double others = round % 2 == 0 ? others_before : other();
        if (round == 0) continue;
        times_of_own.push_back(mine);
        ratios.push_back(mine / others);
    }
    print_row(work, peer, times, ratios, times_of_own);
}

} // namespace

void print_callbacks(std::uint64_t count)
{
    const bool is_many = count >= 100'000;
    const std::string number = std::to_string(count);
    {
        Ours ours;
        Standard standard;
        std::uint64_t called = 0;
        for (std::uint64_t i = 0; i < count; ++i) {
            ours.add(called);
            standard.add(called);
        }
        print_rounds(
            "register and unregister, " + number + " there", "std::stop_callback", rounds(301, 31),
            added, [&] { return add_and_remove(ours); }, [&] { return add_and_remove(standard); });
    }
    // The clock is read before and after the cancels; the time of a single callback would be lost in that.
    const std::uint64_t tokens = std::max<std::uint64_t>(1, 512 / count);
    print_rounds(
        "cancel with " + number + " callbacks", "std::stop_source::request_stop",
        is_many ? rounds(7, 2) : rounds(101, 7), tokens * count, [&] { return cancel<Ours>(tokens, count); },
        [&] { return cancel<Standard>(tokens, count); });
}
