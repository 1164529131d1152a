// Works with tokens that are counted and not timed, because no peer has the like.
#include "counted.hpp"
#include "ours.hpp"

namespace {

const AddWork snapshot_of_token{"dcc_poll_of", [](std::uint64_t times) {
    dcc_cancel_token *const token = shared_token();
    call_repeatedly(times, [=] { require(unknown(dcc_poll_of(token).expected) != 0); });
}};

const AddWork snapshot_of_current{"dcc_poll_current", [](std::uint64_t times) {
    const Installed installed;
    call_repeatedly(times, [] { require(unknown(dcc_poll_current().job.expected) != 0); });
}};

const AddWork probe_of_token{"dcc_cancel_token_check_current", [](std::uint64_t times) {
    const Installed installed;
    call_repeatedly(times, [] { require(dcc_cancel_token_check_current() == DCC_OK); });
}};

const AddWork retain_and_release{"retain and release", [](std::uint64_t times) {
    dcc_cancel_token *const token = shared_token();
    call_repeatedly(times, [=] {
        require(dcc_cancel_token_retain(token) == DCC_OK);
        require(dcc_cancel_token_release(token) == DCC_OK);
    });
}};

const AddWork child_of_two{"create and release a child of two", [](std::uint64_t times) {
    const dcc_cancel_token *parents[] = {shared_token(), nullptr};
    dcc_cancel_token *other = nullptr;
    require(dcc_cancel_token_create(&other) == DCC_OK);
    parents[1] = other;
    dcc_cancel_token_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.parents = parents;
    desc.parent_count = 2;
    call_repeatedly(times, [&] {
        dcc_cancel_token *token = nullptr;
        require(dcc_cancel_token_create_from(&desc, &token) == DCC_OK);
        require(dcc_cancel_token_release(token) == DCC_OK);
    });
    require(dcc_cancel_token_release(other) == DCC_OK);
}};

const AddWork wait_for_no_time{"wait for no time", [](std::uint64_t times) {
    dcc_cancel_token *const token = shared_token();
    call_repeatedly(times, [=] { require(dcc_cancel_token_wait(token, 0) == DCC_TIMED_OUT); });
}};

const AddWork native_event{"native event, from create to close", [](std::uint64_t times) {
    call_repeatedly(times, [] {
        dcc_cancel_token *token = nullptr;
        dcc_native_event event = 0;
        require(dcc_cancel_token_create(&token) == DCC_OK);
        require(dcc_cancel_token_native_event(token, &event) == DCC_OK);
        require(dcc_cancel_token_cancel(token, nullptr, 0) == DCC_OK);
        require(dcc_native_event_close(event) == DCC_OK);
        require(dcc_cancel_token_release(token) == DCC_OK);
    });
}};

const AddWork capture{"capture and release a context", [](std::uint64_t times) {
    const Installed installed;
    call_repeatedly(times, [] {
        dcc_context *context = nullptr;
        require(dcc_context_capture(&context) == DCC_OK);
        require(dcc_context_release(context) == DCC_OK);
    });
}};

const AddWork capture_and_enter{"capture, enter and exit a context", [](std::uint64_t times) {
    const Installed installed;
    call_repeatedly(times, [] {
        dcc_context *context = nullptr;
        dcc_ticket ticket = 0;
        require(dcc_context_capture(&context) == DCC_OK);
        require(dcc_context_enter(context, &ticket) == DCC_OK);
        require(dcc_context_exit(ticket) == DCC_OK);
        require(dcc_context_release(context) == DCC_OK);
    });
}};

// Tokens to be cancelled.
class Tokens : public Prepared {
public:
    explicit Tokens(std::uint64_t count, const dcc_cancel_token *parent = nullptr) : tokens_(count)
    {
        dcc_cancel_token_desc desc = {};
        desc.struct_size = sizeof desc;
        desc.parents = &parent;
        desc.parent_count = 1;
        for (dcc_cancel_token *&token : tokens_)
            require(dcc_cancel_token_create_from(&desc, &token) == DCC_OK);
    }
    ~Tokens() override
    {
        for (dcc_cancel_token *token : tokens_) require(dcc_cancel_token_release(token) == DCC_OK);
    }

    void run() override
    {
        for (const dcc_cancel_token *token : tokens_)
            require(dcc_cancel_token_cancel(token, nullptr, 0) == DCC_OK);
    }

protected:
    std::vector<dcc_cancel_token *> tokens_;
};

class CancelledTokens : public Tokens {
public:
    explicit CancelledTokens(std::uint64_t count) : Tokens(count) { Tokens::run(); }

    void run() override
    {
        for (const dcc_cancel_token *token : tokens_)
            require(dcc_cancel_token_is_cancelled(token) == DCC_CANCELLED_BY_TOKEN);
    }
};

class ObservedTokens : public Tokens {
public:
    explicit ObservedTokens(std::uint64_t count) : Tokens(count)
    {
        require(dcc_events_create(observed_events, &observer_) == DCC_OK);
    }
    ~ObservedTokens() override { require(dcc_events_release(observer_) == DCC_OK); }

private:
    dcc_events *observer_ = nullptr;
};

class Parent : public Prepared {
public:
    Parent() { require(dcc_cancel_token_create(&token_) == DCC_OK); }
    ~Parent() override { require(dcc_cancel_token_release(token_) == DCC_OK); }

    void run() override { require(dcc_cancel_token_cancel(token_, nullptr, 0) == DCC_OK); }

protected:
    dcc_cancel_token *token_ = nullptr;
};

class WithChildren : public Parent {
public:
    explicit WithChildren(std::uint64_t count) : children_(count, token_) {}

private:
    Tokens children_;
};

class WithCallbacks : public Parent {
public:
    explicit WithCallbacks(std::uint64_t count) : registrations_(count)
    {
        for (dcc_registration *&registration : registrations_)
            require(dcc_cancel_token_register(token_, called, &calls_, nullptr, nullptr,
                                              &registration) == DCC_OK);
    }
    ~WithCallbacks() override
    {
        require(calls_ == registrations_.size());
        for (dcc_registration *registration : registrations_)
            require(dcc_registration_unregister(registration) == DCC_CALLBACK_DONE);
    }

private:
    static void called(const dcc_cancel_token *, void *calls) { ++*static_cast<std::uint64_t *>(calls); }

    std::vector<dcc_registration *> registrations_;
    std::uint64_t calls_ = 0;
};

const AddPrepared<Tokens> cancel{"cancel without children"};
const AddPrepared<ObservedTokens> cancel_observed{"cancel without children, observed"};
const AddPrepared<CancelledTokens> is_cancelled{"dcc_cancel_token_is_cancelled, it is"};
const AddPrepared<WithChildren> cancel_children{"cancel, each of its children"};
const AddPrepared<WithCallbacks> cancel_callbacks{"cancel, each of its callbacks"};

} // namespace
