// A page of the demo: two steps of libraries that know nothing of each other fill one bar.
#pragma once

#include "scenes.hpp"

namespace demo {

void fill_one_bar(stage &stage);

} // namespace demo
