// The work of oneTBB: a task asks whether its group is cancelled.
#include "work.hpp"

#include <oneapi/tbb/task_group.h>

namespace {

const AddWork probe{"tbb::is_current_task_group_canceling", [](std::uint64_t times) {
    oneapi::tbb::task_group group;
    group.run_and_wait([=] {
        call_repeatedly(times, [] { require(!oneapi::tbb::is_current_task_group_canceling()); });
    });
}};

} // namespace
