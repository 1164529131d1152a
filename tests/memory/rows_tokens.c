/* Tokens, registrations, owners, deadlines, and waits. */
#include "rows.h"
#include <string.h>

#define REASON "a reason that is longer than what fits somewhere", DCC_NUL_TERMINATED
#define CANCELLED make_token(w); OK(dcc_cancel_token_cancel(w->token, REASON))

ROW(dcc_cancel_token_create, 0, , MADE(w->made_token, dcc_cancel_token_create(&w->made_token)), ,
    OK(dcc_cancel_token_release(w->made_token)), )

static int32_t create_from(struct world *w)
{
    const dcc_cancel_token *parents[] = { w->token, w->other };
    dcc_cancel_token_desc desc;
    memset(&desc, 0, sizeof desc);
    desc.struct_size = sizeof desc;
    desc.parents = parents;
    desc.parent_count = 2;
    desc.caller_id = "job-1";
    desc.caller_id_length = DCC_NUL_TERMINATED;
    MADE(w->made_token, dcc_cancel_token_create_from(&desc, &w->made_token));
}
ROW(dcc_cancel_token_create_from, 0, make_token(w); OK(dcc_cancel_token_create(&w->other)),
    return create_from(w), , OK(dcc_cancel_token_release(w->made_token)),
    drop(w); OK(dcc_cancel_token_release(w->other)))

static int32_t create_all(struct world *w)
{
    const dcc_cancel_token *parents[] = { w->token, w->other };
    MADE(w->made_token, dcc_cancel_token_create_all(parents, 2, &w->made_token));
}
ROW(dcc_cancel_token_create_all, 0, make_token(w); OK(dcc_cancel_token_create(&w->other)),
    return create_all(w), , OK(dcc_cancel_token_release(w->made_token)),
    drop(w); OK(dcc_cancel_token_release(w->other)))
ROW(dcc_cancel_token_join, 0, make_token(w); OK(dcc_cancel_token_create(&w->other)); OK(create_all(w)),
    return dcc_cancel_token_join(w->made_token, w->token), , ,
    OK(dcc_cancel_token_release(w->made_token)); drop(w); OK(dcc_cancel_token_release(w->other)))

ROW(dcc_cancel_token_retain, NEVER_REFUSED, make_token(w), return dcc_cancel_token_retain(w->token), ,
    drop(w), drop(w))
ROW(dcc_cancel_token_release, NEVER_REFUSED, make_token(w); hear(w),
    return dcc_cancel_token_release(w->token), UNTIL(seen(&w->destroyed)), , )
ROW(dcc_cancel_token_cancel, NEVER_REFUSED, make_token(w); hear(w),
    return dcc_cancel_token_cancel(w->token, REASON), CHECK(seen(&w->called)), , drop(w))
ROW(dcc_cancel_token_is_cancelled, NEVER_REFUSED, CANCELLED, return dcc_cancel_token_is_cancelled(w->token), ,
    , drop(w))
ROW(dcc_cancel_token_reason, NEVER_REFUSED, CANCELLED,
    return dcc_cancel_token_reason(w->token, w->text, sizeof w->text, &w->length), CHECK(w->length > 40), ,
    drop(w))
ROW(dcc_cancel_token_trace_parent, NEVER_REFUSED, make_token(w),
    return dcc_cancel_token_trace_parent(w->token, w->text, sizeof w->text, &w->length),
    CHECK(w->length == 0), , drop(w))
ROW(dcc_cancel_token_cause, NEVER_REFUSED, CANCELLED, dcc_cause cause;
    return dcc_cancel_token_cause(w->token, &cause), , , drop(w))
ROW(dcc_cancel_token_time_since_cancelled, NEVER_REFUSED, CANCELLED,
    return dcc_cancel_token_time_since_cancelled(w->token, &w->id), , , drop(w))
ROW(dcc_cancel_token_caller_id, NEVER_REFUSED, create_from(w),
    return dcc_cancel_token_caller_id(w->made_token, w->text, sizeof w->text, &w->length),
    CHECK(w->length == 5), ,
    OK(dcc_cancel_token_release(w->made_token)))

ROW(dcc_owner_create, 0, , MADE(w->owner, dcc_owner_create(&w->owner)), , OK(dcc_owner_close(w->owner)), )
ROW(dcc_owner_close, NEVER_REFUSED, make_token(w); OK(dcc_owner_create(&w->owner)); hear(w),
    return dcc_owner_close(w->owner), CHECK(seen(&w->destroyed) == 1), , drop(w))

ROW(dcc_cancel_token_register, 0, make_token(w); OK(dcc_owner_create(&w->owner)),
    GIVEN(w->made_registration, dcc_cancel_token_register(w->token, on_cancel, w, on_destroy, w->owner,
                                                          &w->made_registration)),
    , OK(dcc_registration_unregister(w->made_registration)), OK(dcc_owner_close(w->owner)); drop(w))
ROW(dcc_cancel_token_register_keeping, 0, make_token(w); OK(dcc_owner_create(&w->owner)),
    GIVEN(w->made_registration, dcc_cancel_token_register_keeping(w->token, on_cancel, w, on_destroy,
                                                                  w->owner, &w->made_registration)),
    , OK(dcc_registration_unregister(w->made_registration)), OK(dcc_owner_close(w->owner)); drop(w))
ROW(dcc_registration_unregister, NEVER_REFUSED, make_token(w); hear(w),
    return dcc_registration_unregister(w->registration), CHECK(seen(&w->destroyed) == 1), , drop(w))
ROW(dcc_registration_unregister_no_wait, NEVER_REFUSED, make_token(w); hear(w),
    return dcc_registration_unregister_no_wait(w->registration), CHECK(seen(&w->destroyed) == 1), , drop(w))

ROW(dcc_cancel_token_cancel_async, 0, make_token(w); hear(w),
    return dcc_cancel_token_cancel_async(w->token, REASON), UNTIL(seen(&w->called)), , drop(w))
ROW(dcc_cancel_token_set_deadline_after, 0, make_token(w); hear(w),
    return dcc_cancel_token_set_deadline_after(w->token, 1000), UNTIL(seen(&w->called)), , drop(w))
ROW(dcc_cancel_token_set_deadline, 0, make_token(w); hear(w),
    return dcc_cancel_token_set_deadline(w->token, dcc_clock_now_ns() + 1000), UNTIL(seen(&w->called)), ,
    drop(w))
ROW(dcc_cancel_token_clear_deadline, NEVER_REFUSED,
    make_token(w); OK(dcc_cancel_token_set_deadline_after(w->token, UINT64_C(3600000000000))),
    return dcc_cancel_token_clear_deadline(w->token), , , drop(w))
ROW(dcc_cancel_token_deadline, 0,
    make_token(w); OK(dcc_cancel_token_create(&w->other)); OK(create_from(w));
    OK(dcc_cancel_token_set_deadline_after(w->token, UINT64_C(3600000000000))),
    return dcc_cancel_token_deadline(w->made_token, &w->id), CHECK(w->id != 0), ,
    OK(dcc_cancel_token_release(w->made_token)); OK(dcc_cancel_token_release(w->other)); drop(w))
ROW(dcc_cancel_token_wait, 0, make_token(w), return dcc_cancel_token_wait(w->token, 100000), , , drop(w))

static int32_t wait_any(struct world *w)
{
    const dcc_cancel_token *tokens[] = { w->token, w->other };
    return dcc_cancel_token_wait_any(tokens, 2, 100000, &w->length);
}
ROW(dcc_cancel_token_wait_any, 0, make_token(w); OK(dcc_cancel_token_create(&w->other)),
    return wait_any(w), , ,
    drop(w); OK(dcc_cancel_token_release(w->other)))
ROW(dcc_cancel_token_native_event, 0, make_token(w),
    return dcc_cancel_token_native_event(w->token, &w->event), ,
    OK(dcc_native_event_close(w->event)), drop(w))
ROW_AS(event_of_never, "dcc_cancel_token_native_event", 0, ,
    return dcc_cancel_token_native_event(NULL, &w->event), ,
    OK(dcc_native_event_close(w->event)), )
ROW(dcc_native_event_close, NEVER_REFUSED, make_token(w);
    OK(dcc_cancel_token_native_event(w->token, &w->event)),
    return dcc_native_event_close(w->event), , , drop(w))
