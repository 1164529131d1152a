/* Shares of the bar of a job. Part of dcc_cancel.hpp. */

#ifndef DCC_CANCEL_PROGRESS_HPP
#define DCC_CANCEL_PROGRESS_HPP

#include <cstdint>
#include <string_view>

#include "config.hpp"
#include "../dcc_cancel.h"

namespace dcc {

namespace detail {

/* A share that ends with its scope, also by an exception. */
class progress_share {
public:
    progress_share(const progress_share &) = delete;
    progress_share &operator=(const progress_share &) = delete;

    /* Negative: there was no memory for it. It is the share of nothing then, and the work goes on. */
    dcc_status status() const noexcept { return status_; }

    /* The share; NULL for that of nothing, as where no job is current. */
    dcc_progress *get() const noexcept { return share_; }

    /* What it is at, for people. False: there was no memory for that, or the job is gone. */
    bool set_message(std::string_view message) const noexcept
    {
        return dcc_progress_set_message(share_, message.data(), message.size()) == DCC_OK;
    }

protected:
    /* All of what is current. */
    progress_share(std::uint64_t total, std::string_view label) noexcept { begin(nullptr, 0, total, label); }

    /* A part of a share; of that of nothing there is none. */
    progress_share(const progress_share &parent, std::uint64_t weight, std::string_view label) noexcept
    {
        if (parent.get() != nullptr)
            begin(parent.get(), weight, 0, label);
    }

    ~progress_share()
    {
        dcc_progress_end(share_);
        dcc_progress_release(share_);
    }

private:
    void begin(const dcc_progress *parent, std::uint64_t weight, std::uint64_t total,
               std::string_view label) noexcept
    {
        dcc_progress_desc desc = {};
        desc.struct_size = sizeof desc;
        desc.parent = parent;
        desc.weight = weight;
        desc.total = total;
        desc.label = label.data();
        desc.label_length = label.size();
        status_ = dcc_progress_begin(&desc, &share_);
    }

    dcc_progress *share_ = nullptr;
    dcc_status status_ = DCC_OK;
};

} // namespace detail

/* Counts units of a share on one thread; each thread that counts makes its own. What it has is shown once
 * somebody looks, and at its end: flush it before anything that blocks. The share must outlive it. */
class progress_counter {
public:
    explicit progress_counter(const detail::progress_share &share) noexcept
        : counter_(dcc_progress_counter_of(share.get()))
    {
    }
    progress_counter(const progress_counter &) = delete;
    progress_counter &operator=(const progress_counter &) = delete;
    ~progress_counter() { flush(); }

    /* Counts units. True: stop, as after a poll; see dcc_progress_advance. */
    bool advance(std::uint64_t units = 1, DCC_CANCEL_HERE_) noexcept
    {
        return dcc_progress_advance_at(&counter_, units, file, line) != DCC_OK;
    }

    /* Shows what was counted. True: stop. */
    bool flush(DCC_CANCEL_HERE_) noexcept
    {
        return dcc_progress_flush_at(&counter_, file, line) != DCC_OK;
    }

private:
    dcc_progress_counter counter_;
};

/* A step of a share, worth so many of its units, until the end of the scope. It is current on this thread and
 * on those that carry the context: what counts by itself, a library that begins a dcc::progress or
 * job.set_progress, fills it. In a dcc::task it may be held over an await, and is current in each slice. */
class progress_step : public detail::progress_share {
public:
    progress_step(const detail::progress_share &parent, std::uint64_t weight,
                  std::string_view label = {}) noexcept
        : progress_share(parent, weight, label), before_(dcc_progress_current())
    {
        if (get() != nullptr)
            dcc_progress_set_current(get(), &ticket_);
    }

    ~progress_step()
    {
        /* An error: the slice in which it began is over, and a later one has made it current again. */
        if (ticket_ != 0 && dcc_context_unwind(ticket_) < 0 && dcc_progress_current() == get())
            dcc_progress_set_current(before_, &ticket_);
    }

private:
    const dcc_progress *before_;
    dcc_ticket ticket_ = 0;
};

/* The share of the code of this scope: all of the step that is current, else of the current job; see
 * dcc_progress_begin. Whoever calls it need not know of it.
 *
 *     void smooth(mesh &m)                               void write_scene(mesh &m)
 *     {                                                  {
 *         dcc::progress p(m.vertices.size(), "Smooth");      dcc::progress p(100);
 *         for (vertex &v : m.vertices) {                     { auto s = p.step(25, "Prepare"); smooth(m); }
 *             if (p.advance())                               { auto s = p.step(75, "Write"); write(m); }
 *                 return;                                }
 *             relax(v);
 *         }
 *     }
 *
 * With no current job it does nothing. For its own thread; others count in a dcc::progress_counter of it. */
class progress : public detail::progress_share {
public:
    /* Of so many units; 0 while that is unknown. */
    explicit progress(std::uint64_t total = 0, std::string_view label = {}) noexcept
        : progress_share(total, label), counter_(*this)
    {
    }

    /* Counts units. True: stop, as after a poll. */
    bool advance(std::uint64_t units = 1, DCC_CANCEL_HERE_) noexcept
    {
        return counter_.advance(units, file, line);
    }

    /* Shows what was counted, before anything that blocks. True: stop. */
    bool flush(DCC_CANCEL_HERE_) noexcept { return counter_.flush(file, line); }

    /* Changes how many units there are; what is left of it is spread over those that are left. */
    void set_total(std::uint64_t total) noexcept
    {
        flush();
        dcc_progress_set_total(get(), total);
    }

    /* Begins a step that is worth so many of its units. */
    [[nodiscard]] progress_step step(std::uint64_t weight, std::string_view label = {}) noexcept
    {
        flush();
        return progress_step(*this, weight, label);
    }

private:
    progress_counter counter_;
};

} // namespace dcc

#endif /* DCC_CANCEL_PROGRESS_HPP */
