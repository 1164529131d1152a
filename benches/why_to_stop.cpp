// What the peer of a poll calls where a poll would call the library; alone, so that no loop knows it.
#include <cstdint>

int why_to_stop(std::uint64_t expected);

int why_to_stop(std::uint64_t expected)
{
    return expected != 0 ? 1 : 0;
}
