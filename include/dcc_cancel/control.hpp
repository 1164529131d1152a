/* The control endpoint, open until the end of a scope. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_CONTROL_HPP
#define DCC_CANCEL_CONTROL_HPP

#include <cstddef>
#include <string>
#include <string_view>

#include "error.hpp"
#include "text.hpp"

namespace dcc {

/* While this object lives, dcc-control, run by the same user, can list, watch, trace and cancel the jobs of
 * this process. A process has one endpoint: the first of these objects that ends closes it. */
class control_endpoint {
public:
    /* Opens the endpoint under the name of the program's file. */
    control_endpoint() : control_endpoint(std::string_view()) {}

    /* Opens the endpoint under a name for people, such as "Maya 2026, shot 12". */
    explicit control_endpoint(std::string_view name)
    {
        dcc_control_desc desc = {};
        desc.struct_size = sizeof desc;
        desc.name = name.data();
        desc.name_length = name.size();
        status_ = dcc_control_open(&desc);
        detail::throw_if_failed(status_);
    }

    control_endpoint(const control_endpoint &) = delete;
    control_endpoint &operator=(const control_endpoint &) = delete;

    ~control_endpoint()
    {
        if (status_ >= 0)
            dcc_control_close();
    }

    /* Negative: the endpoint could not be opened. */
    dcc_status status() const noexcept { return status_; }

    /* Path of its socket, or name of its pipe; empty if none is open. */
    std::string address() const
    {
        return detail::text([](char *buffer, std::size_t size, std::size_t *length) {
            return dcc_control_address(buffer, size, length);
        });
    }

private:
    dcc_status status_;
};

} // namespace dcc

#endif /* DCC_CANCEL_CONTROL_HPP */
