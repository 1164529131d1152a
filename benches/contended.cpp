// Measures work that two threads do at the same time.
#include "at_work.hpp"
#include "contended.hpp"
#include "figures.hpp"

#include <atomic>
#include <thread>

namespace {

double nanoseconds_of_a_call(const Stay &stay)
{
    return stay.length() / static_cast<double>(contended_calls);
}

// A second thread on a processor of its own. It sleeps while the first thread works alone, and is awake
// before both begin.
class Second {
public:
    explicit Second(int processor) : thread_([=, this] { serve(processor); }) {}
    ~Second()
    {
        thing_ = nullptr;
        ++ordered_;
        ordered_.notify_one();
        thread_.join();
    }
    Second(const Second &) = delete;
    Second &operator=(const Second &) = delete;

    // Runs both at the same time. Returns the nanoseconds of a call, as the mean of both; 0 if they did not
    // overlap.
    double together(Thing &own, Thing &others)
    {
        thing_ = &others;
        const int turn = ++ordered_;
        ordered_.notify_one();
        until(arrived_, turn);
        begun_ = turn;
        const Stay mine = timed([&] { own.run(); });
        until(done_, turn);
        if (!were_together(mine, stay_)) return 0;
        return (nanoseconds_of_a_call(mine) + nanoseconds_of_a_call(stay_)) / 2;
    }

private:
    static void until(const std::atomic<int> &counter, int turn)
    {
        while (counter.load(std::memory_order_acquire) != turn) std::this_thread::yield();
    }

    void serve(int processor)
    {
        stay_on(processor);
        for (int turn = 1;; ++turn) {
            ordered_.wait(turn - 1);
            if (thing_ == nullptr) return;
            arrived_ = turn;
            until(begun_, turn);
            stay_ = timed([this] { thing_->run(); });
            done_ = turn;
        }
    }

    std::atomic<int> ordered_{0};
    std::atomic<int> arrived_{0};
    std::atomic<int> begun_{0};
    std::atomic<int> done_{0};
    Thing *thing_ = nullptr;
    Stay stay_;
    std::thread thread_;
};

// A work with its two objects, and the times of its rounds.
struct Measured {
    explicit Measured(const Contended &measured) : work(measured) {}

    const Contended &work;
    std::unique_ptr<Thing> first = work.make();
    std::unique_ptr<Thing> second = work.make();
    std::vector<double> alone;
    std::vector<double> on_one;
    std::vector<double> on_two;

    // Runs one round of each. False if one of them was disturbed; then none of them counts.
    bool round(Second &helper)
    {
        const Stay own = timed([this] { first->run(); });
        first->renew();
        const double one = helper.together(*first, *first);
        first->renew();
        const double two = helper.together(*first, *second);
        first->renew();
        second->renew();
        if (own.was_interrupted || one == 0 || two == 0) return false;
        alone.push_back(nanoseconds_of_a_call(own));
        on_one.push_back(one);
        on_two.push_back(two);
        return true;
    }

    void drop_last()
    {
        for (std::vector<double> *times : {&alone, &on_one, &on_two}) times->pop_back();
    }
};

const Contended &contended_called(std::string_view name)
{
    for (const Contended &work : all_contended())
        if (work.name == name) return work;
    std::fprintf(stderr, "nothing contended is called %.*s\n", static_cast<int>(name.size()), name.data());
    std::exit(2);
}

void print(const std::string &work, const std::string &peer, const std::vector<double> &own,
           const std::vector<double> &others)
{
    std::vector<double> ratios;
    for (std::size_t round = 0; round < own.size(); ++round) ratios.push_back(own[round] / others[round]);
    print_row(work, peer, contended_calls, ratios, own);
}

void print_rows(const Measured &own, const Measured *peer)
{
    const std::string name = own.work.name;
    const auto on_two = own.work.shares == nullptr
                            ? name + ", 2 threads"
                            : name + ", 2 threads, a " + own.work.shares + " each";
    print(on_two, "1 thread", own.on_two, own.alone);
    if (peer != nullptr) print(on_two, peer->work.name, own.on_two, peer->on_two);
    if (own.work.shares == nullptr) return;
    const std::string on_one = name + ", 2 threads on one " + own.work.shares;
    print(on_one, "1 thread", own.on_one, own.alone);
    if (peer != nullptr) print(on_one, peer->work.name, own.on_one, peer->on_one);
}

} // namespace

void print_contended(std::string_view work, std::string_view peer)
{
    require(processors().size() > 1);
    stay_on(processors().front());
    Second helper(processors().back());
    Measured own(contended_called(work));
    std::unique_ptr<Measured> other;
    if (!peer.empty()) other = std::make_unique<Measured>(contended_called(peer));
    const std::size_t wanted = static_cast<std::size_t>(rounds(501, 41));
    // The first rounds do the one-time work. Disturbed rounds are repeated, but not for ever.
    for (int round = 0; round < 5; ++round) {
        if (own.round(helper)) own.drop_last();
        if (other && other->round(helper)) other->drop_last();
    }
    for (std::size_t tried = 0; own.alone.size() < wanted && tried < 10 * wanted; ++tried) {
        if (!own.round(helper)) continue;
        if (other && !other->round(helper)) own.drop_last();
    }
    if (own.alone.size() < wanted / 4) {
        std::printf("left out\t%s, 2 threads\tother programs kept the processors: %zu of %zu rounds\n",
                    own.work.name, own.alone.size(), wanted);
        return;
    }
    print_rows(own, other.get());
}
