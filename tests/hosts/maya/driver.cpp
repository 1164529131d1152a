// Drives the plug-in of examples/hosts/maya in the stand-in for Maya. Arguments: the plug-in's file, and
// optionally --figures and a name for the figures, to measure only.

#include "driver.hpp"

int main(int argc, char** argv)
{
    EXPECT(argc > 1);
    maya(); // its main thread is this one
    if (argc > 3 && std::strcmp(argv[2], "--figures") == 0) {
        print_figures(argv[1], argv[3]);
        return 0;
    }
    stopping(argv[1]);
    commands(argv[1]);
    committing(argv[1]);
    idle(argv[1]);
    unloading(argv[1]);
    dcc_stats stats = {};
    stats.struct_size = sizeof stats;
    EXPECT(dcc_stats_read(&stats) == DCC_OK);
    EXPECT(stats.live_jobs == 0 && stats.live_owners == 0 && stats.unfinished_posts == 0);
    return 0;
}
