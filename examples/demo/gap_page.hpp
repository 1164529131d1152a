// The last page of the demo: a poll-gap report finds the loop that forgot to poll.
#pragma once

#include "scenes.hpp"

namespace demo {

summary_line show_poll_gaps(stage &stage);

} // namespace demo
