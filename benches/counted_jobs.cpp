// Works with jobs and dispatchers that are counted and not timed.
#include "counted.hpp"
#include "ours.hpp"

namespace {

dcc_job *running_job()
{
    dcc_job_desc desc{};
    desc.struct_size = sizeof desc;
    dcc_job *job = nullptr;
    require(dcc_job_create(&desc, &job) == DCC_OK);
    require(dcc_job_begin(job) == DCC_OK);
    return job;
}

const AddWork job{"create, begin, complete and release a job", [](std::uint64_t times) {
    call_repeatedly(times, [] {
        dcc_job *const made = running_job();
        require(dcc_job_complete(made) == DCC_OK);
        require(dcc_job_release(made) == DCC_OK);
    });
}};

const AddWork is_cancelled{"dcc_job_is_cancelled", [](std::uint64_t times) {
    dcc_job *const of = shared_job();
    call_repeatedly(times, [=] { require(dcc_job_is_cancelled(of) == DCC_OK); });
}};

const AddWork set_and_reset{"set and reset current job", [](std::uint64_t times) {
    dcc_job *const of = shared_job();
    call_repeatedly(times, [=] {
        dcc_ticket ticket = 0;
        require(dcc_job_set_current(of, &ticket) == DCC_OK);
        require(dcc_job_reset_current(ticket) == DCC_OK);
    });
}};

const AddWork set_progress{"dcc_job_set_progress", [](std::uint64_t times) {
    dcc_job *const of = running_job();
    call_repeatedly(times, [=] { require(dcc_job_set_progress(of, 1, 2, nullptr, 0) == DCC_OK); });
    require(dcc_job_complete(of) == DCC_OK);
    require(dcc_job_release(of) == DCC_OK);
}};

void pump(std::uint64_t most)
{
    require(dcc_dispatcher_pump(shared_dispatcher(), DCC_NO_LIMIT, most, nullptr) == DCC_OK);
}

const AddWork pump_of_nothing{"pump of nothing", [](std::uint64_t times) {
    call_repeatedly(times, [] { pump(DCC_NO_LIMIT); });
}};

const AddWork post_and_cancel{"post, cancel and pump one job", [](std::uint64_t times) {
    std::uint64_t runs = 0;
    call_repeatedly(times, [&] {
        dcc_job *posted = nullptr;
        post(runs, &posted);
        require(dcc_job_cancel(posted, nullptr, 0) == DCC_OK);
        pump(1);
        require(dcc_job_release(posted) == DCC_OK);
    });
    require(runs == 0);
}};

// Cancelled jobs whose cancel was not seen yet.
class CancelledJobs : public Prepared {
public:
    explicit CancelledJobs(std::uint64_t count) : jobs_(count), polls_(count)
    {
        for (std::uint64_t i = 0; i < count; ++i) {
            jobs_[i] = running_job();
            dcc_ticket ticket = 0;
            require(dcc_job_set_current(jobs_[i], &ticket) == DCC_OK);
            polls_[i] = dcc_poll_current();
            require(dcc_job_reset_current(ticket) == DCC_OK);
            require(dcc_job_cancel(jobs_[i], nullptr, 0) == DCC_OK);
        }
    }
    ~CancelledJobs() override
    {
        for (dcc_job *of : jobs_) {
            require(dcc_job_acknowledge_cancel(of) == DCC_OK);
            require(dcc_job_release(of) == DCC_OK);
        }
    }

    void run() override
    {
        for (const dcc_poll_pair &poll : polls_) require(dcc_poll(poll) == DCC_CANCELLED_BY_JOB);
    }

private:
    std::vector<dcc_job *> jobs_;
    std::vector<dcc_poll_pair> polls_;
};

// The observer is created after the cancels: it gets the events of seen cancels only, and the watchdog has
// nothing to do.
class ObservedJobs : public CancelledJobs {
public:
    explicit ObservedJobs(std::uint64_t count) : CancelledJobs(count)
    {
        require(dcc_events_create(observed_events, &observer_) == DCC_OK);
    }
    ~ObservedJobs() override { require(dcc_events_release(observer_) == DCC_OK); }

private:
    dcc_events *observer_ = nullptr;
};

const AddPrepared<CancelledJobs> first_poll{"first poll that sees a cancel"};
const AddPrepared<ObservedJobs> first_poll_observed{"first poll that sees a cancel, observed"};

} // namespace
