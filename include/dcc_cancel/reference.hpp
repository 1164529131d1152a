/* Reference-counted handles. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_REFERENCE_HPP
#define DCC_CANCEL_REFERENCE_HPP

#include <cstddef>
#include <functional>
#include <utility>

#include "../dcc_cancel.h"

namespace dcc {

namespace detail {

inline dcc_status retain(const dcc_cancel_token *object) noexcept { return dcc_cancel_token_retain(object); }
inline dcc_status retain(const dcc_job *object) noexcept { return dcc_job_retain(object); }
inline dcc_status retain(const dcc_context *object) noexcept { return dcc_context_retain(object); }
inline dcc_status retain(const dcc_dispatcher *object) noexcept { return dcc_dispatcher_retain(object); }
inline dcc_status retain(const dcc_request *object) noexcept { return dcc_request_retain(object); }
inline void release(dcc_cancel_token *object) noexcept { dcc_cancel_token_release(object); }
inline void release(dcc_job *object) noexcept { dcc_job_release(object); }
inline void release(dcc_context *object) noexcept { dcc_context_release(object); }
inline void release(dcc_dispatcher *object) noexcept { dcc_dispatcher_release(object); }
inline void release(dcc_request *object) noexcept { dcc_request_release(object); }

/* One reference of an object. */
template <class Object> class reference {
public:
    reference() noexcept = default;
    reference(const reference &other) noexcept : object_(other.object_) { keep(); }
    reference(reference &&other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    ~reference() { reset(); }

    reference &operator=(reference other) noexcept
    {
        std::swap(object_, other.object_);
        return *this;
    }

    Object *get() const noexcept { return object_; }

    explicit operator bool() const noexcept { return object_ != nullptr; }

    void reset() noexcept
    {
        if (Object *object = std::exchange(object_, nullptr))
            release(object);
    }

    /* Gives the reference to the caller, who releases it. */
    [[nodiscard]] Object *detach() noexcept { return std::exchange(object_, nullptr); }

    friend bool operator==(const reference &left, const reference &right) noexcept
    {
        return left.object_ == right.object_;
    }
    friend bool operator!=(const reference &left, const reference &right) noexcept
    {
        return left.object_ != right.object_;
    }

    /* Whether the object is the empty one. */
    friend bool operator==(const reference &left, std::nullptr_t) noexcept { return !left; }
    friend bool operator!=(const reference &left, std::nullptr_t) noexcept { return !!left; }
    friend bool operator==(std::nullptr_t, const reference &right) noexcept { return !right; }
    friend bool operator!=(std::nullptr_t, const reference &right) noexcept { return !!right; }

    friend void swap(reference &left, reference &right) noexcept
    {
        std::swap(left.object_, right.object_);
    }

    /* An arbitrary order, for sets and maps. */
    friend bool operator<(const reference &left, const reference &right) noexcept
    {
        return std::less<const void *>()(left.object_, right.object_);
    }

protected:
    /* Takes over a reference. */
    explicit reference(Object *object) noexcept : object_(object) {}

    /* Adds a reference to an object that another reference keeps alive. If the object is gone, or has no more
     * references to give, this becomes empty. */
    void keep() noexcept
    {
        if (object_ != nullptr && retain(object_) != DCC_OK)
            object_ = nullptr;
    }

    Object **out() noexcept
    {
        reset();
        return &object_;
    }

private:
    Object *object_ = nullptr;
};

/* std::hash of a class that is a reference. */
template <class Reference> struct reference_hash {
    std::size_t operator()(const Reference &hashed) const noexcept
    {
        return std::hash<const void *>()(hashed.get());
    }
};

} // namespace detail

} // namespace dcc

#endif /* DCC_CANCEL_REFERENCE_HPP */
