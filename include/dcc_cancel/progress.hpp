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

    /* Negative: there was no memory for the share. Then it is the share of nothing, and the work goes on. */
    dcc_status status() const noexcept { return status_; }

    /* The share; NULL for the share of nothing, for instance if no job is current. */
    dcc_progress *get() const noexcept { return share_; }

    /* Tells people what the work is at. False: there was no memory for the text, or the job is gone. */
    bool set_message(std::string_view message) const noexcept
    {
        return dcc_progress_set_message(share_, message.data(), message.size()) == DCC_OK;
    }

protected:
    /* All of the current share, or of the current job's bar. */
    progress_share(std::uint64_t total, std::string_view label) noexcept { begin(nullptr, 0, total, label); }

    /* A part of a share; a part of the share of nothing is nothing. */
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

/* Counts units of a share on one thread; each thread that counts makes its own counter. Its units are shown
 * when the progress is read, and at the counter's end: flush it before anything that blocks. The share must
 * live longer than the counter. */
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

    /* Shows the units counted so far. True: stop. */
    bool flush(DCC_CANCEL_HERE_) noexcept
    {
        return dcc_progress_flush_at(&counter_, file, line) != DCC_OK;
    }

private:
    dcc_progress_counter counter_;
};

/* A step of a share, worth `weight` of its units, until the end of the scope. The step is current on this
 * thread and on those that carry the context: a library that begins a dcc::progress there, or calls
 * job.set_progress, fills the step. In a dcc::task it may live across a co_await, and is current in each
 * slice. */
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
        /* If unwind fails, the slice in which the step began is over, and a later slice has made it current
         * again. */
        if (ticket_ != 0 && dcc_context_unwind(ticket_) < 0 && dcc_progress_current() == get())
            dcc_progress_set_current(before_, &ticket_);
    }

private:
    const dcc_progress *before_;
    dcc_ticket ticket_ = 0;
};

/* The share of the code of this scope: all of the current step, else of the current job's bar; see
 * dcc_progress_begin. The caller of this code need not know of it.
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
 * Without a current job it does nothing. For one thread; other threads count in a dcc::progress_counter of
 * it. */
class progress : public detail::progress_share {
public:
    /* With a total of so many units; 0 while that is unknown. */
    explicit progress(std::uint64_t total = 0, std::string_view label = {}) noexcept
        : progress_share(total, label), counter_(*this)
    {
    }

    /* Counts units. True: stop, as after a poll. */
    bool advance(std::uint64_t units = 1, DCC_CANCEL_HERE_) noexcept
    {
        return counter_.advance(units, file, line);
    }

    /* Shows the units counted so far; call it before anything that blocks. True: stop. */
    bool flush(DCC_CANCEL_HERE_) noexcept { return counter_.flush(file, line); }

    /* Changes the total; the part of the share that is not filled is spread over the units that are left. */
    void set_total(std::uint64_t total) noexcept
    {
        flush();
        dcc_progress_set_total(get(), total);
    }

    /* Begins a step that is worth `weight` units of this share. */
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
