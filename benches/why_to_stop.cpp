// The function that the peer of a poll calls where a poll would call the library. It is in a file of its own,
// so that the compiler of the loop does not know it.
#include <cstdint>

int why_to_stop(std::uint64_t expected);

int why_to_stop(std::uint64_t expected)
{
    return expected != 0 ? 1 : 0;
}
