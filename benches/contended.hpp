// Work that two threads do at the same time, on one object or on one each. Each file contended_* beside this
// one adds the works of one library; `contended.cpp` measures them.
#pragma once

#include "work.hpp"

#include <memory>

// The number of calls in a round.
constexpr std::uint64_t contended_calls = 512;

// An object on which the calls are made.
class Thing {
public:
    Thing() = default;
    virtual ~Thing() = default;
    Thing(const Thing &) = delete;
    Thing &operator=(const Thing &) = delete;
    // Makes `contended_calls` calls. Any thread may call this, and two at the same time.
    virtual void run() = 0;
    // Called between rounds, on the thread that created the object: restores its first state.
    virtual void renew() {}
};

struct Contended {
    const char *name;
    // The name of the object that both threads use, or nullptr if they share none.
    const char *shares;
    std::unique_ptr<Thing> (*make)();
};

inline std::vector<Contended> &all_contended()
{
    static std::vector<Contended> list;
    return list;
}

template <typename Made>
struct AddContended {
    AddContended(const char *name, const char *shares)
    {
        all_contended().push_back(
            {name, shares, []() -> std::unique_ptr<Thing> { return std::make_unique<Made>(); }});
    }
};

// Prints the rows of a work: beside the same work on one thread, and beside a peer; "" for no peer.
void print_contended(std::string_view work, std::string_view peer);
