// Arms a deadline for ever as the wrapper must not: as a count of nanoseconds.

#include "dcc_cancel.hpp"

int main()
{
    const std::chrono::nanoseconds for_ever = (std::chrono::hours::max)();
    dcc::deadline limit(dcc::token::create(), for_ever);
    return 0;
}
