// Work that two threads do with dcc-cancel at the same time.
#include "contended.hpp"

#include <dcc_cancel.h>

#include <atomic>

namespace {

dcc_cancel_token *created(const dcc_cancel_token *parent = nullptr)
{
    dcc_cancel_token_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.parents = &parent;
    desc.parent_count = parent == nullptr ? 0 : 1;
    dcc_cancel_token *made = nullptr;
    require(dcc_cancel_token_create_from(&desc, &made) == DCC_OK);
    return made;
}

void release(dcc_cancel_token *token)
{
    require(dcc_cancel_token_release(token) == DCC_OK);
}

class Creating : public Thing {
public:
    void run() override
    {
        call_repeatedly(contended_calls, [] {
            dcc_cancel_token *token = nullptr;
            require(dcc_cancel_token_create(&token) == DCC_OK);
            release(token);
        });
    }
};

class WithToken : public Thing {
public:
    ~WithToken() override { release(token_); }

protected:
    dcc_cancel_token *const token_ = created();
};

class CreatingChildren : public WithToken {
public:
    void run() override
    {
        call_repeatedly(contended_calls, [this] { release(created(token_)); });
    }
};

class Registering : public WithToken {
public:
    void run() override
    {
        call_repeatedly(contended_calls, [this] {
            dcc_registration *registration = nullptr;
            require(dcc_cancel_token_register(token_, ignore, nullptr, nullptr, nullptr,
                                              &registration) == DCC_OK);
            require(dcc_registration_unregister(registration) == DCC_OK);
        });
    }

private:
    static void ignore(const dcc_cancel_token *, void *) {}
};

// Both threads post to one dispatcher, under one token.
class Posting : public WithToken {
public:
    Posting()
    {
        dcc_dispatcher_desc desc{};
        desc.struct_size = sizeof desc;
        desc.capacity = 2 * contended_calls;
        require(dcc_dispatcher_create(&desc, &dispatcher_) == DCC_OK);
    }
    ~Posting() override { require(dcc_dispatcher_release(dispatcher_) == DCC_OK); }

    void run() override
    {
        call_repeatedly(contended_calls, [this] {
            dcc_post_desc desc{};
            desc.struct_size = sizeof desc;
            desc.function = count_run;
            desc.user_data = &runs_;
            desc.parent = token_;
            require(dcc_dispatcher_post(dispatcher_, &desc, nullptr, nullptr) == DCC_OK);
        });
    }

    void renew() override
    {
        runs_ = 0;
        require(dcc_dispatcher_pump(dispatcher_, DCC_NO_LIMIT, 2 * contended_calls, nullptr) == DCC_OK);
        require(runs_ >= contended_calls);
    }

private:
    static std::int32_t count_run(const dcc_job *, void *runs)
    {
        ++*static_cast<std::uint64_t *>(runs);
        return 0;
    }

    dcc_dispatcher *dispatcher_ = nullptr;
    std::uint64_t runs_ = 0;
};

// Many tokens. Two threads with the same object both cancel each token.
class Cancelling : public Thing {
public:
    Cancelling() { make(); }
    ~Cancelling() override { drop(); }

    void run() override
    {
        for (const dcc_cancel_token *token : tokens_) {
            const dcc_status status = dcc_cancel_token_cancel(token, nullptr, 0);
            require(status == DCC_OK || status == DCC_ALREADY_CANCELLED);
        }
    }

    void renew() override
    {
        drop();
        make();
    }

private:
    void make()
    {
        for (std::uint64_t i = 0; i < contended_calls; ++i) tokens_.push_back(created());
    }

    void drop()
    {
        for (dcc_cancel_token *token : tokens_) release(token);
        tokens_.clear();
    }

    std::vector<dcc_cancel_token *> tokens_;
};

const AddContended<Creating> creating{"create and release", nullptr};
const AddContended<CreatingChildren> children{"create and release a child", "parent"};
const AddContended<Registering> registering{"register and unregister", "token"};
const AddContended<Posting> posting{"post a job", "dispatcher and token"};
const AddContended<Cancelling> cancelling{"cancel", "token"};

} // namespace
