// Runs a job that is cancelled while it works.

#include <dcc_cancel.hpp>

#include <cstdio>

int main()
{
    const dcc::job job = dcc::job::create({"Smooth"});
    int done = 0;
    const dcc::job_state end = dcc::run(job, [&] {
        for (dcc::poller cancelled; !cancelled(); ++done)
            if (done == 3)
                job.cancel("by the package's test");
        return false;
    });
    const bool is_right = end == dcc::job_state::cancelled && done == 4;
    std::printf("%s after %d of the steps: %s\n", is_right ? "cancelled" : "NOT cancelled", done,
                dcc_version_string());
    return is_right ? 0 : 1;
}
