// Times or counts works; each mode prints rows, see figures.hpp:
//
//     measure ratio WORK PEER [disturbed]   time of WORK / time of PEER
//     measure latency                       from cancel to seen, wake-up, event, a job's end
//     measure threads WORK [PEER]           two threads beside one, and beside two of the peer
//     measure callbacks COUNT               this many callbacks of one token
//     measure count WORK...                 calls `counted` with each, for callgrind
#include "contended.hpp"
#include "counted.hpp"

#include <cstdio>
#include <cstring>

const Work &work_called(std::string_view name)
{
    for (const Work &work : works())
        if (work.name == name) return work;
    std::fprintf(stderr, "no work is called %.*s\n", static_cast<int>(name.size()), name.data());
    std::exit(2);
}

int main(int argc, char **argv)
{
    const std::string_view mode = argc > 1 ? argv[1] : "";
    if (mode == "ratio" && argc >= 4) {
        const bool is_disturbed = argc > 4 && std::strcmp(argv[4], "disturbed") == 0;
        print_ratio(work_called(argv[2]), work_called(argv[3]), is_disturbed);
    } else if (mode == "count" && argc >= 3) {
        for (int i = 2; i < argc; ++i) count(work_called(argv[i]));
    } else if (mode == "threads" && argc >= 3) {
        print_contended(argv[2], argc > 3 ? argv[3] : "");
    } else if (mode == "callbacks" && argc == 3) {
        print_callbacks(std::strtoull(argv[2], nullptr, 10));
    } else if (mode == "latency") {
        print_seen();
        print_wake_ratio();
        print_native_event();
        print_stopped_job();
    } else {
        std::fputs("usage: the modes at the top of measure.cpp\n", stderr);
        return 2;
    }
    return 0;
}
