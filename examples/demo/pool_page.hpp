// A page of the demo: a pool of workers is cancelled, and one that was not given the context is found.
#pragma once

#include "scenes.hpp"

namespace demo {

void cancel_a_pool(stage &stage);

} // namespace demo
