// What two threads do at once, on one thing or on one each. Each file named contended_* beside this one
// adds what one library has; `contended.cpp` times them.
#pragma once

#include "work.hpp"

#include <memory>

// So many calls are a round.
constexpr std::uint64_t contended_calls = 512;

// What the calls are made on.
class Thing {
public:
    Thing() = default;
    virtual ~Thing() = default;
    Thing(const Thing &) = delete;
    Thing &operator=(const Thing &) = delete;
    // Makes `contended_calls` calls. Any thread; two at once.
    virtual void run() = 0;
    // Between rounds, on the thread that made it: puts it back to where it was.
    virtual void renew() {}
};

struct Contended {
    const char *name;
    // What it is called that both threads use, or nullptr if there is nothing.
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

// Prints the rows of a work, beside itself on one thread and beside a peer; "" for no peer.
void print_contended(std::string_view work, std::string_view peer);
