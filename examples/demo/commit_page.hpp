// A page of the demo: a cancel and a commit at the same moment, and what each side is told.
#pragma once

#include "scenes.hpp"

namespace demo {

void cancel_against_a_commit(stage &stage);

} // namespace demo
