// Arms an endless deadline in the way that the wrapper must not use: as a count of nanoseconds, which
// overflows.

#include "dcc_cancel.hpp"

int main()
{
    const std::chrono::nanoseconds for_ever = (std::chrono::hours::max)();
    dcc::deadline limit(dcc::token::create(), for_ever);
    return 0;
}
