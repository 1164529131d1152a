// The operations of the table counts.txt, for callgrind:
//
//     counts --list    their names, a line each
//     counts NAME      calls `counted` with it
#include "counted.hpp"

#include <atomic>
#include <cstdio>
#include <thread>

namespace {

template <typename Works>
bool counts(const Works &works, std::string_view name)
{
    for (const auto &work : works) {
        if (work.name != name) continue;
        count(work);
        return true;
    }
    return false;
}

} // namespace

int main(int argc, char **argv)
{
    const std::string_view name = argc > 1 ? argv[1] : "";
    if (name == "--list") {
        for (const Work &work : works()) std::puts(work.name);
        for (const PreparedWork &work : prepared_works()) std::puts(work.name);
        return 0;
    }
    // Hosts have several threads, and some C libraries do less work while a process has only one. So this
    // starts a second one.
    std::atomic<bool> over{false};
    std::thread other([&] { over.wait(false); });
    const bool is_there = counts(works(), name) || counts(prepared_works(), name);
    over = true;
    over.notify_all();
    other.join();
    if (!is_there) std::fputs("usage: see the top of counts.cpp\n", stderr);
    return is_there ? 0 : 2;
}
