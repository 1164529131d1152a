// The control endpoint lives as long as its object. A process has one at a time.

#include <string>

#include "dcc_cancel.hpp"
#include "expect.hpp"

namespace {

std::string address_now()
{
    char room[256];
    dcc_control_address(room, sizeof room, nullptr);
    return room;
}

} // namespace

int main()
{
    EXPECT(address_now().empty());
    {
        dcc::control_endpoint endpoint("Shot 12");
        EXPECT(endpoint.status() == DCC_OK);
        EXPECT(!endpoint.address().empty() && endpoint.address() == address_now());
        dcc::control_endpoint again;
        EXPECT(again.status() == DCC_OK && again.address() == endpoint.address());
    }
    EXPECT(address_now().empty());
    dcc::control_endpoint unnamed;
    EXPECT(unnamed.address() == address_now());
    // The shutdown closes it, and it can never be opened again.
    EXPECT(dcc_shutdown() == DCC_OK);
    EXPECT(address_now().empty());
    EXPECT(dcc_control_open(nullptr) == DCC_ERROR_SHUTDOWN);
#if defined(__cpp_exceptions)
    bool is_refused = false;
    try {
        dcc::control_endpoint late;
    } catch (const dcc::error &error) {
        is_refused = error.status() == DCC_ERROR_SHUTDOWN;
    }
    EXPECT(is_refused);
#else
    EXPECT(dcc::control_endpoint().status() == DCC_ERROR_SHUTDOWN);
#endif
}
