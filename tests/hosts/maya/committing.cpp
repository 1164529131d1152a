// A cancel of dccSmooth when its passes are done: right before it writes the mesh, and while it writes.

#include "driver.hpp"

namespace {

const char* const command = "dccSmooth -iterations 10 grid";

// Calls a function once after the last pass, when no thread polls any more.
class at_the_end {
public:
    template <class Function> explicit at_the_end(Function function)
    {
        maya().onProgress = [function](int percent) {
            if (percent == 99) // of ten passes the last one; the rest is for its end
                function();
        };
    }
    at_the_end(const at_the_end&) = delete;
    at_the_end& operator=(const at_the_end&) = delete;
    ~at_the_end() { maya().onProgress = nullptr; }
};

// Calls a function while the mesh is written. If it returns false, the write fails.
class at_the_write {
public:
    template <class Function> explicit at_the_write(Function function) { maya().onWrite = function; }
    at_the_write(const at_the_write&) = delete;
    at_the_write& operator=(const at_the_write&) = delete;
    ~at_the_write() { maya().onWrite = nullptr; }
};

dcc_status status_of_a_cancel_elsewhere(const dcc::job& job)
{
    dcc_status status = DCC_ERROR_INTERNAL;
    std::thread([&] { status = dcc_job_cancel(job.get(), nullptr, 0); }).join();
    return status;
}

void expect_untouched(const stand_in::Mesh& before)
{
    EXPECT(same(maya().meshes["gridShape"].points, before.points));
    EXPECT(maya().undoable() == 0 && maya().computations == 0);
}

void a_cancel_that_is_first_leaves_neither_mesh_nor_undo(const stand_in::Mesh& before)
{
    dcc::job job;
    int writes = 0;
    const at_the_write counted([&] { return ++writes > 0; });
    const at_the_end cancelled([&] {
        job = dcc::job::current();
        EXPECT(status_of_a_cancel_elsewhere(job) == DCC_OK);
    });
    EXPECT(!maya().execute(command));
    EXPECT(job.state() == dcc::job_state::cancelled && !job.is_sealed() && writes == 0);
    EXPECT(contains(last_shown(), "the mesh is as it was"));
    expect_untouched(before);
}

void a_cancel_that_comes_second_is_told_so(const stand_in::Mesh& before)
{
    dcc::job job;
    const at_the_end found([&] { job = dcc::job::current(); });
    const at_the_write cancelled([&] {
        EXPECT(status_of_a_cancel_elsewhere(job) == DCC_SEALED);
        maya().pressEsc();
        EXPECT(!job.is_cancelled() && !dcc::job::current());
        return true;
    });
    EXPECT(maya().execute(command));
    maya().onWrite = nullptr;
    EXPECT(job.state() == dcc::job_state::completed && job.is_sealed());
    EXPECT(!same(maya().meshes["gridShape"].points, before.points) && maya().undoable() == 1);
    EXPECT(maya().undo());
    maya().flushUndo();
    expect_untouched(before);
}

void a_write_that_fails_fails_the_job(const stand_in::Mesh& before)
{
    dcc::job job;
    const at_the_end found([&] { job = dcc::job::current(); });
    const at_the_write refused([] { return false; });
    EXPECT(!maya().execute(command));
    EXPECT(job.state() == dcc::job_state::failed && contains(last_shown(), job.failure()));
    expect_untouched(before);
}

} // namespace

void committing(const std::string& plugin)
{
    const loaded_plugin loaded(plugin);
    const stand_in::Mesh before = grid(40, 30);
    maya().meshes["gridShape"] = before;
    a_cancel_that_is_first_leaves_neither_mesh_nor_undo(before);
    a_cancel_that_comes_second_is_told_so(before);
    a_write_that_fails_fails_the_job(before);
}
