// The loader, from C++, with the wrapper on top.
#include "loader.h"

#include "dcc_cancel.hpp"

int main(int argc, char **argv)
{
    if (argc != 2)
        return 9;
    if (const int failed = use_the_loader(argv[1]))
        return failed;
    dcc::job job = dcc::job::create({"through the loader"});
    return dcc::run(job, [&job] { return job.cancel() && !dcc::is_cancelled(); }) ==
                   dcc::job_state::cancelled
               ? 0
               : 8;
}
