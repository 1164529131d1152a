// Objects of dcc-cancel that its works use. Each is created when it is first needed.
#pragma once

#include "work.hpp"

#include <dcc_cancel.h>

inline dcc_cancel_token *shared_token()
{
    static dcc_cancel_token *const token = [] {
        dcc_cancel_token *made = nullptr;
        require(dcc_cancel_token_create(&made) == DCC_OK);
        return made;
    }();
    return token;
}

inline dcc_job *shared_job()
{
    static dcc_job *const job = [] {
        dcc_job_desc desc{};
        desc.struct_size = sizeof desc;
        dcc_job *made = nullptr;
        require(dcc_job_create(&desc, &made) == DCC_OK);
        return made;
    }();
    return job;
}

// Makes a token and a job current on this thread.
class Installed {
public:
    Installed()
    {
        require(dcc_cancel_token_set_current(shared_token(), &token_ticket_) == DCC_OK);
        require(dcc_job_set_current(shared_job(), &job_ticket_) == DCC_OK);
    }
    ~Installed()
    {
        require(dcc_job_reset_current(job_ticket_) == DCC_OK);
        require(dcc_cancel_token_reset_current(token_ticket_) == DCC_OK);
    }
    Installed(const Installed &) = delete;
    Installed &operator=(const Installed &) = delete;

private:
    dcc_ticket token_ticket_ = 0;
    dcc_ticket job_ticket_ = 0;
};

inline dcc_dispatcher *shared_dispatcher()
{
    static dcc_dispatcher *const dispatcher = [] {
        dcc_dispatcher_desc desc{};
        desc.struct_size = sizeof desc;
        dcc_dispatcher *made = nullptr;
        require(dcc_dispatcher_create(&desc, &made) == DCC_OK);
        return made;
    }();
    return dispatcher;
}

inline std::int32_t count_run(const dcc_job *, void *runs)
{
    ++*static_cast<std::uint64_t *>(runs);
    return 0;
}

// Posts a job that counts its run.
inline void post(std::uint64_t &runs, dcc_job **job = nullptr)
{
    dcc_post_desc desc{};
    desc.struct_size = sizeof desc;
    desc.function = count_run;
    desc.user_data = &runs;
    require(dcc_dispatcher_post(shared_dispatcher(), &desc, job, nullptr) == DCC_OK);
}
