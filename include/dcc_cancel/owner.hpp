/* Owners of callables. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_OWNER_HPP
#define DCC_CANCEL_OWNER_HPP

#include <utility>

#include "error.hpp"

namespace dcc {

/* The plugin, or a part of it, that callables belong to. Name it wherever you pass a callable, and close it
 * before the plugin is unloaded: from then on none of the callables is called. The empty owner is for code
 * that stays loaded as long as the process. */
class owner {
public:
    /* The empty owner. */
    owner() noexcept = default;
    owner(owner &&other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    owner &operator=(owner &&other) noexcept
    {
        owner taken(std::move(other));
        std::swap(object_, taken.object_);
        return *this;
    }

    /* Closes the owner. That is impossible inside one of its own callables, and while one of them waits for
     * this thread: in such a place call `close` yourself, later. */
    ~owner() { close(); }

    static owner create()
    {
        owner result;
        detail::throw_if_failed(try_create(result));
        return result;
    }

    /* As create; `result` is empty unless the answer is DCC_OK or DCC_SECOND_INSTANCE. */
    static dcc_status try_create(owner &result) noexcept
    {
        result = owner();
        return dcc_owner_create(&result.object_);
    }

    /* Drops what was passed with this owner, and waits for callables that are running; see dcc_owner_close.
     * The object is empty afterwards, except after DCC_ERROR_WOULD_DEADLOCK and DCC_ERROR_RESOURCES: then
     * nothing happened, so call this again. */
    dcc_status close() noexcept
    {
        const dcc_status status = dcc_owner_close(object_);
        if (status != DCC_ERROR_WOULD_DEADLOCK && status != DCC_ERROR_RESOURCES)
            object_ = nullptr;
        return status;
    }

    dcc_owner *get() const noexcept { return object_; }

    explicit operator bool() const noexcept { return object_ != nullptr; }

private:
    dcc_owner *object_ = nullptr;
};

} // namespace dcc

#endif /* DCC_CANCEL_OWNER_HPP */
