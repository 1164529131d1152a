/* Making a token or a job current until the end of a scope. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_SCOPE_HPP
#define DCC_CANCEL_SCOPE_HPP

#include "error.hpp"
#include "job.hpp"
#include "token.hpp"

namespace dcc {

namespace detail {

/* Undoes at the end of a scope what it installed, and what others left on top of that. */
class scope {
public:
    scope(const scope &) = delete;
    scope &operator=(const scope &) = delete;

    /* Negative: nothing was installed. */
    dcc_status status() const noexcept { return status_; }

protected:
    scope() noexcept = default;
    ~scope()
    {
        if (ticket_ != 0)
            dcc_context_unwind(ticket_);
    }

    template <class Object>
    void install(dcc_status (*set)(const Object *, dcc_ticket *), const Object *object)
    {
        status_ = set(object, &ticket_);
        throw_if_failed(status_);
    }

    void install(dcc_status (*set)(dcc_ticket *))
    {
        status_ = set(&ticket_);
        throw_if_failed(status_);
    }

private:
    dcc_ticket ticket_ = 0;
    dcc_status status_ = DCC_OK;
};

} // namespace detail

/* Makes a token current on this thread until the end of the scope; an empty token masks the one before. */
class token_scope : public detail::scope {
public:
    explicit token_scope(const token &installed)
    {
        install<dcc_cancel_token>(dcc_cancel_token_set_current, installed.get());
    }
};

/* Makes a job current on this thread until the end of the scope; an empty job masks the one before. */
class job_scope : public detail::scope {
public:
    explicit job_scope(const job &installed) { install<dcc_job>(dcc_job_set_current, installed.get()); }
};

} // namespace dcc

#endif /* DCC_CANCEL_SCOPE_HPP */
