/* The calls of each function: one row for each. */
#ifndef ROWS_H
#define ROWS_H

#include "dcc_cancel.h"
#include <stdint.h>
#include <stdlib.h>

/* The state that a row's functions share; all zero at the beginning of each row. */
struct world {
    dcc_cancel_token *token;
    dcc_cancel_token *other;
    dcc_cancel_token *made_token;
    dcc_job *job;
    dcc_job *made_job;
    dcc_owner *owner;
    dcc_registration *registration;
    dcc_registration *made_registration;
    dcc_context *context;
    dcc_progress *share;
    dcc_progress *below;
    dcc_events *events;
    dcc_dispatcher *dispatcher;
    dcc_session *session;
    dcc_request *request;
    dcc_ticket ticket;
    dcc_ticket outer;
    dcc_ticket second_ticket;
    dcc_native_event event;
    uint64_t id;
    /* How many objects were given away with a destroy-notify, how many of these notifies ran, and how many
     * calls of functions there were. */
    int32_t given;
    int32_t destroyed;
    int32_t called;
    int32_t ran;
    char text[8192];
    size_t length;
};

struct row {
    const char *function;
    uint32_t flags;
    /* Called with memory: creates what the call needs. */
    void (*before)(struct world *w);
    /* Makes the call, while memory is short. */
    int32_t (*call)(struct world *w);
    /* Waits until the work that the call began on other threads is done. */
    void (*settle)(struct world *w);
    /* Called with memory, on the thread of the call: undoes a call that succeeded. */
    void (*undo)(struct world *w);
    /* Called with memory: undoes `before`. */
    void (*after)(struct world *w);
    struct row *next;
};

/* The call may not be refused: it stops, ends or releases something, or only asks. */
#define NEVER_REFUSED 1u
/* The call must be made on the thread of `before`. */
#define SAME_THREAD 2u
/* DCC_ERROR_FILE is also a good answer. */
#define FILES 4u
/* The row itself needs file descriptors. */
#define TALKS 8u
/* A refused call has taken its argument, because the caller could not give it back. */
#define TAKES 16u

extern struct row *rows;

#define ROW(fn, how, before_, call_, settle_, undo_, after_)                                          \
    ROW_AS(fn, #fn, how, before_, call_, settle_, undo_, after_)

/* A further row of a function. */
#define ROW_AS(fn, name_, how, before_, call_, settle_, undo_, after_)                                \
    static void row_##fn##_before(struct world *w) { (void)w; before_; }                              \
    static int32_t row_##fn##_call(struct world *w) { (void)w; call_; }                               \
    static void row_##fn##_settle(struct world *w) { (void)w; settle_; }                              \
    static void row_##fn##_undo(struct world *w) { (void)w; undo_; }                                  \
    static void row_##fn##_after(struct world *w) { (void)w; after_; }                                \
    static struct row row_##fn##_row = { name_, how, row_##fn##_before, row_##fn##_call,              \
        row_##fn##_settle, row_##fn##_undo, row_##fn##_after, NULL };                                 \
    __attribute__((constructor)) static void row_##fn##_add(void)                                     \
    {                                                                                                 \
        row_##fn##_row.next = rows;                                                                   \
        rows = &row_##fn##_row;                                                                       \
    }

/* Ends the row's process with a message about what went wrong. */
void broken(const char *what, const char *file, int line, int32_t got) __attribute__((noreturn));
#define OK(call)                                                                                      \
    do {                                                                                              \
        int32_t ok_status = (call);                                                                   \
        if (ok_status < 0)                                                                            \
            broken(#call, __FILE__, __LINE__, ok_status);                                             \
    } while (0)
#define CHECK(truth)                                                                                  \
    do {                                                                                              \
        if (!(truth))                                                                                 \
            broken(#truth, __FILE__, __LINE__, 0);                                                    \
    } while (0)
/* Checks a call that creates something: after a refusal there is no handle. */
#define MADE(out, call)                                                                               \
    do {                                                                                              \
        int32_t made_status = (call);                                                                 \
        CHECK(made_status >= 0 || (out) == NULL);                                                     \
        return made_status;                                                                           \
    } while (0)
/* Checks a call that is given something with a destroy-notify. */
#define GIVEN(out, call)                                                                              \
    do {                                                                                              \
        int32_t given_status = (call);                                                                \
        CHECK(given_status >= 0 || (out) == NULL);                                                    \
        w->given += given_status >= 0;                                                                \
        return given_status;                                                                          \
    } while (0)
/* Waits until another thread has done something. */
#define UNTIL(truth)                                                                                  \
    do {                                                                                              \
        while (!(truth))                                                                              \
            rest();                                                                                   \
    } while (0)
void rest(void);

/* Helpers. All of them count what they give away. */
void make_token(struct world *w);
void make_job(struct world *w);
void make_running_job(struct world *w);
void make_dispatcher(struct world *w, uint32_t flags);
void make_session(struct world *w);
void make_request(struct world *w);
void hear(struct world *w);
void drop(struct world *w);
int32_t state_of(const dcc_job *job);
int32_t seen(const int32_t *count);

void on_cancel(const dcc_cancel_token *token, void *user_data);
void on_destroy(void *user_data);
int32_t never(void *user_data);
int32_t work(const dcc_job *job, void *user_data);
void on_completion(const dcc_job *job, int32_t state, void *user_data);
dcc_request_id request_id(const char *text);
dcc_job_desc job_desc(struct world *w);
dcc_post_desc post_desc(struct world *w);
dcc_request_desc request_desc(const char *text);

#endif
