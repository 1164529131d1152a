// A page of the demo: long work on the UI thread as a coroutine, beside which the UI goes on drawing.
#pragma once

#include "scenes.hpp"

namespace demo {

void work_beside_the_ui(stage &stage);

} // namespace demo
