// Links the library, cancels a job of its own, prints the library's version.
#include "dcc_cancel.hpp"

#include <cstdio>

int main()
{
    dcc::job job = dcc::job::create({"consumer"});
    const dcc::job_state end = dcc::run(job, [&job] {
        dcc::poller cancelled;
        if (cancelled())
            return true;
        job.cancel("seen");
        return !cancelled();
    });
    if (end != dcc::job_state::cancelled || dcc_instance_check() != DCC_OK)
        return 1;
    std::puts(dcc_version_string());
    return 0;
}
