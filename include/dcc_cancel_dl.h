/* dcc-cancel for plugins that load the library at run time instead of linking it. C99 and C++17.
 *
 * Include this before dcc_cancel.h and dcc_cancel.hpp, everywhere in the plugin. In exactly one
 * source file define DCC_CANCEL_DL_IMPLEMENTATION before you include it:
 *
 *     #define DCC_CANCEL_DL_IMPLEMENTATION
 *     #include "dcc_cancel_dl.h"
 *
 *     char why[256];
 *     if (dcc_cancel_load("/where/my/plugin/is/libdcc_cancel.so.2", why, sizeof why) != DCC_OK)
 *         report(why);
 *
 * dcc_cancel_load takes the instance that is already in the process, which it finds by the library's
 * name. It loads the file only if there is no instance. So all plugins share one instance and see
 * each other's cancels, even if each of them brings a copy. Afterwards every function works under
 * its usual name.
 *
 * Before that call nothing is cancelled: polls and questions answer 0, all other functions answer
 * DCC_ERROR_UNSUPPORTED, a NULL handle or an empty text. The instance may be older than this header.
 * A function that it lacks always answers in this way. dcc_abi_version tells the version.
 *
 * Generated from dcc_cancel.h; do not edit. */

#ifndef DCC_CANCEL_DL_H
#define DCC_CANCEL_DL_H

#ifdef DCC_CANCEL_H
#error "include dcc_cancel_dl.h before dcc_cancel.h and dcc_cancel.hpp"
#endif

/* Hidden, so that a plugin never runs the copy of these functions of another plugin. */
#if defined(_WIN32)
#define DCC_CANCEL_HIDDEN_
#else
#define DCC_CANCEL_HIDDEN_ __attribute__((visibility("hidden")))
#endif

#ifdef __cplusplus
#define DCC_API inline DCC_CANCEL_HIDDEN_
#else
#define DCC_API static inline
#endif

#include "dcc_cancel.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Every function of the library. */
typedef struct dcc_cancel_api {
    const char * (*dcc_status_string)(dcc_status status);
    dcc_status (*dcc_last_error)(char *buffer, size_t size, size_t *out_length);
    dcc_status (*dcc_cancel_token_create)(dcc_cancel_token **out_token);
    dcc_status (*dcc_cancel_token_create_from)(const dcc_cancel_token_desc *desc,
        dcc_cancel_token **out_token);
    dcc_status (*dcc_cancel_token_retain)(const dcc_cancel_token *token);
    dcc_status (*dcc_cancel_token_release)(dcc_cancel_token *token);
    dcc_status (*dcc_cancel_token_cancel)(const dcc_cancel_token *token, const char *reason,
        size_t reason_length);
    dcc_status (*dcc_cancel_token_is_cancelled)(const dcc_cancel_token *token);
    dcc_status (*dcc_cancel_token_reason)(const dcc_cancel_token *token, char *buffer, size_t size,
        size_t *out_length);
    dcc_status (*dcc_cancel_token_cause)(const dcc_cancel_token *token, dcc_cause *out_cause);
    dcc_status (*dcc_cancel_token_time_since_cancelled)(const dcc_cancel_token *token,
        uint64_t *out_since_cancel_ns);
    dcc_status (*dcc_cancel_token_caller_id)(const dcc_cancel_token *token, char *buffer,
        size_t size, size_t *out_length);
    dcc_status (*dcc_cancel_token_create_all)(const dcc_cancel_token *const *parents, size_t count,
        dcc_cancel_token **out_token);
    dcc_status (*dcc_cancel_token_join)(const dcc_cancel_token *token,
        const dcc_cancel_token *parent);
    dcc_status (*dcc_cancel_token_set_current)(const dcc_cancel_token *token,
        dcc_ticket *out_ticket);
    dcc_status (*dcc_cancel_token_reset_current)(dcc_ticket ticket);
    dcc_cancel_token * (*dcc_cancel_token_current)(void);
    dcc_status (*dcc_job_set_current)(const dcc_job *job, dcc_ticket *out_ticket);
    dcc_status (*dcc_job_reset_current)(dcc_ticket ticket);
    dcc_job * (*dcc_job_current)(void);
    dcc_status (*dcc_check_cancelled)(void);
    dcc_status (*dcc_cancel_token_check_current)(void);
    dcc_status (*dcc_job_create)(const dcc_job_desc *desc, dcc_job **out_job);
    dcc_status (*dcc_job_retain)(const dcc_job *job);
    dcc_status (*dcc_job_release)(dcc_job *job);
    uint64_t (*dcc_job_id)(const dcc_job *job);
    dcc_status (*dcc_job_find)(uint64_t id, dcc_job **out_job);
    dcc_cancel_token * (*dcc_job_token)(const dcc_job *job);
    dcc_status (*dcc_job_user_data)(const dcc_job *job, void **out_user_data);
    dcc_status (*dcc_job_cancel)(const dcc_job *job, const char *reason, size_t reason_length);
    dcc_status (*dcc_job_is_cancelled)(const dcc_job *job);
    dcc_status (*dcc_job_state)(const dcc_job *job, int32_t *out_state);
    dcc_status (*dcc_job_begin)(const dcc_job *job);
    dcc_status (*dcc_job_complete)(const dcc_job *job);
    dcc_status (*dcc_job_fail)(const dcc_job *job, const char *message, size_t message_length);
    dcc_status (*dcc_job_acknowledge_cancel)(const dcc_job *job);
    dcc_status (*dcc_job_end_by_error)(const dcc_job *job, int32_t was_told, const char *message,
        size_t message_length);
    dcc_status (*dcc_job_interrupt)(const dcc_job *job, const char *message, size_t message_length);
    dcc_status (*dcc_job_label)(const dcc_job *job, char *buffer, size_t size, size_t *out_length);
    dcc_status (*dcc_job_caller_id)(const dcc_job *job, char *buffer, size_t size,
        size_t *out_length);
    dcc_status (*dcc_job_failure)(const dcc_job *job, char *buffer, size_t size,
        size_t *out_length);
    dcc_status (*dcc_job_seal)(const dcc_job *job);
    dcc_status (*dcc_job_is_sealed)(const dcc_job *job);
    dcc_status (*dcc_job_set_progress)(const dcc_job *job, uint64_t done, uint64_t total,
        const char *message, size_t message_length);
    dcc_status (*dcc_job_read_progress)(const dcc_job *job, dcc_job_progress *out_progress);
    dcc_status (*dcc_job_progress_message)(const dcc_job *job, char *buffer, size_t size,
        size_t *out_length);
    dcc_status (*dcc_progress_begin)(const dcc_progress_desc *desc, dcc_progress **out_progress);
    dcc_status (*dcc_progress_retain)(const dcc_progress *progress);
    dcc_status (*dcc_progress_release)(dcc_progress *progress);
    dcc_status (*dcc_progress_end)(const dcc_progress *progress);
    dcc_status (*dcc_progress_set_current)(const dcc_progress *progress, dcc_ticket *out_ticket);
    dcc_status (*dcc_progress_reset_current)(dcc_ticket ticket);
    const dcc_progress * (*dcc_progress_current)(void);
    dcc_status (*dcc_progress_add)(const dcc_progress *progress, uint64_t n);
    dcc_status (*dcc_progress_set_total)(const dcc_progress *progress, uint64_t total);
    dcc_status (*dcc_progress_set_message)(const dcc_progress *progress, const char *message,
        size_t message_length);
    dcc_status (*dcc_context_capture)(dcc_context **out_context);
    dcc_status (*dcc_context_bind)(dcc_thread_fn function, void *user_data, dcc_destroy_fn destroy,
        dcc_context **out_context);
    void * (*dcc_context_run)(void *bound);
    dcc_status (*dcc_context_retain)(const dcc_context *context);
    dcc_status (*dcc_context_release)(dcc_context *context);
    dcc_status (*dcc_context_enter)(const dcc_context *context, dcc_ticket *out_ticket);
    dcc_status (*dcc_context_shield)(dcc_ticket *out_ticket);
    dcc_status (*dcc_context_exit)(dcc_ticket ticket);
    dcc_status (*dcc_context_unwind)(dcc_ticket ticket);
    dcc_status (*dcc_context_caller_id)(char *buffer, size_t size, size_t *out_length);
    dcc_status (*dcc_library_call_begin)(dcc_library_call *out_call);
    dcc_status (*dcc_library_call_ask)(void *call);
    dcc_status (*dcc_library_call_end)(const dcc_library_call *call, int32_t succeeded,
        int32_t was_aborted, const char *words, size_t words_length);
    dcc_status (*dcc_cancel_token_register)(const dcc_cancel_token *token, dcc_cancel_fn function,
        void *user_data, dcc_destroy_fn destroy, const dcc_owner *owner,
        dcc_registration **out_registration);
    dcc_status (*dcc_cancel_token_register_keeping)(const dcc_cancel_token *token,
        dcc_cancel_fn function, void *user_data, dcc_destroy_fn destroy, const dcc_owner *owner,
        dcc_registration **out_registration);
    dcc_status (*dcc_registration_unregister)(dcc_registration *registration);
    dcc_status (*dcc_registration_unregister_no_wait)(dcc_registration *registration);
    dcc_status (*dcc_owner_create)(dcc_owner **out_owner);
    dcc_status (*dcc_owner_close)(dcc_owner *owner);
    dcc_status (*dcc_cancel_token_cancel_async)(const dcc_cancel_token *token, const char *reason,
        size_t reason_length);
    dcc_status (*dcc_cancel_token_set_deadline_after)(const dcc_cancel_token *token,
        uint64_t after_ns);
    dcc_status (*dcc_cancel_token_set_deadline)(const dcc_cancel_token *token, uint64_t at_ns);
    dcc_status (*dcc_cancel_token_clear_deadline)(const dcc_cancel_token *token);
    dcc_status (*dcc_cancel_token_deadline)(const dcc_cancel_token *token, uint64_t *out_at_ns);
    dcc_status (*dcc_cancel_token_wait)(const dcc_cancel_token *token, uint64_t timeout_ns);
    dcc_status (*dcc_cancel_token_wait_any)(const dcc_cancel_token *const *tokens, size_t count,
        uint64_t timeout_ns, size_t *out_index);
    dcc_status (*dcc_context_ask)(const dcc_cancel_token *token, uint64_t *out_again_ns);
    dcc_status (*dcc_cancel_token_native_event)(const dcc_cancel_token *token,
        dcc_native_event *out_native_event);
    dcc_status (*dcc_native_event_close)(dcc_native_event native_event);
    dcc_status (*dcc_job_wait)(const dcc_job *job, uint64_t timeout_ns);
    dcc_status (*dcc_job_native_event)(const dcc_job *job, dcc_native_event *out_native_event);
    dcc_status (*dcc_dispatcher_create)(const dcc_dispatcher_desc *desc,
        dcc_dispatcher **out_dispatcher);
    dcc_status (*dcc_dispatcher_retain)(const dcc_dispatcher *dispatcher);
    dcc_status (*dcc_dispatcher_release)(dcc_dispatcher *dispatcher);
    dcc_status (*dcc_dispatcher_close)(const dcc_dispatcher *dispatcher);
    dcc_status (*dcc_dispatcher_find)(const dcc_dispatcher *dispatcher, const char *caller_id,
        size_t caller_id_length, dcc_job **out_job);
    dcc_status (*dcc_dispatcher_post)(const dcc_dispatcher *dispatcher, const dcc_post_desc *desc,
        dcc_job **out_job, dcc_admission *out_admission);
    dcc_status (*dcc_dispatcher_post_and_wait)(const dcc_dispatcher *dispatcher,
        const dcc_post_desc *desc, uint64_t timeout_ns, dcc_job **out_job, int32_t *out_state);
    dcc_status (*dcc_dispatcher_pump)(const dcc_dispatcher *dispatcher, uint64_t budget_ns,
        uint64_t max_jobs, dcc_tick *out_tick);
    dcc_status (*dcc_slice_is_over)(void);
    uint64_t (*dcc_slice_ends_at_ns)(void);
    dcc_status (*dcc_job_wake)(const dcc_job *job);
    dcc_status (*dcc_job_wake_at_cancel)(const dcc_job *job, const dcc_cancel_token *token,
        dcc_registration **out_registration);
    dcc_status (*dcc_job_wake_at_end)(const dcc_job *job, const dcc_job *awaited);
    dcc_status (*dcc_dispatcher_read_stats)(const dcc_dispatcher *dispatcher,
        dcc_dispatcher_stats *out_stats);
    dcc_status (*dcc_dispatcher_longest_label)(const dcc_dispatcher *dispatcher, char *buffer,
        size_t size, size_t *out_length);
    dcc_status (*dcc_session_create)(const dcc_session_desc *desc, dcc_session **out_session);
    dcc_status (*dcc_session_retain)(const dcc_session *session);
    dcc_status (*dcc_session_release)(dcc_session *session);
    dcc_status (*dcc_session_close)(const dcc_session *session);
    dcc_status (*dcc_session_cancel)(const dcc_session *session, const dcc_request_id *id,
        const char *reason, size_t reason_length);
    dcc_status (*dcc_session_query)(const dcc_session *session, const dcc_request_id *id,
        int32_t *out_state);
    dcc_status (*dcc_session_reason)(const dcc_session *session, const dcc_request_id *id,
        char *buffer, size_t size, size_t *out_length);
    dcc_status (*dcc_session_clear)(const dcc_session *session, const dcc_request_id *id);
    dcc_status (*dcc_session_sweep)(const dcc_session *session, uint64_t ttl_ns,
        uint64_t *out_count);
    dcc_status (*dcc_session_handle_message)(const dcc_session *session, const char *message,
        size_t message_length, dcc_message_info *out_info);
    dcc_status (*dcc_session_read_stats)(const dcc_session *session, dcc_session_stats *out_stats);
    dcc_status (*dcc_request_begin)(const dcc_session *session, const dcc_request_desc *desc,
        dcc_request **out_request);
    dcc_status (*dcc_request_retain)(const dcc_request *request);
    dcc_status (*dcc_request_release)(dcc_request *request);
    dcc_cancel_token * (*dcc_request_token)(const dcc_request *request);
    dcc_status (*dcc_request_cancel)(const dcc_request *request, const char *reason,
        size_t reason_length);
    dcc_status (*dcc_request_end)(const dcc_request *request, int32_t *out_owed);
    dcc_status (*dcc_request_write_cancelled)(const dcc_request *request, char *buffer, size_t size,
        size_t *out_length);
    dcc_status (*dcc_request_set_progress)(const dcc_request *request,
        const dcc_request_progress *progress);
    dcc_status (*dcc_request_set_progress_of_job)(const dcc_request *request, const dcc_job *job);
    dcc_status (*dcc_request_write_progress)(const dcc_request *request, uint32_t flags,
        char *buffer, size_t size, size_t *out_length);
    dcc_status (*dcc_request_seal)(const dcc_request *request);
    dcc_status (*dcc_events_create)(size_t capacity, dcc_events **out_events);
    dcc_status (*dcc_events_drain)(const dcc_events *observer, dcc_event *events, size_t stride,
        size_t capacity, size_t *out_count);
    dcc_status (*dcc_events_retain)(const dcc_events *observer);
    dcc_status (*dcc_events_release)(dcc_events *observer);
    dcc_status (*dcc_events_set_slow_cancel_threshold)(uint64_t threshold_ns);
    dcc_status (*dcc_cancel_token_trace_parent)(const dcc_cancel_token *token, char *buffer,
        size_t size, size_t *out_length);
    dcc_status (*dcc_events_next)(const dcc_events *observer, dcc_event_details *out_details);
    dcc_status (*dcc_job_trace)(const dcc_job *job, int32_t on);
    dcc_status (*dcc_trace_all)(int32_t on);
    dcc_status (*dcc_job_poll_gap)(const dcc_job *job, dcc_poll_gap *out_gap);
    dcc_status (*dcc_job_threads)(const dcc_job *job, dcc_job_thread *threads, size_t stride,
        size_t capacity, size_t *out_count);
    dcc_status (*dcc_stats_live_jobs)(char *buffer, size_t size, size_t *out_length);
    dcc_status (*dcc_stats_jobs_page)(uint64_t from, uint32_t most, char *buffer, size_t size,
        size_t *out_length, uint64_t *out_next);
    dcc_status (*dcc_stats_read)(dcc_stats *out_stats);
    dcc_status (*dcc_stats_polls_without_job)(char *buffer, size_t size, size_t *out_length);
    dcc_status (*dcc_stats_latency)(int32_t which, dcc_latency *out_latency);
    dcc_status (*dcc_timeline_begin)(uint64_t max_entries);
    dcc_status (*dcc_timeline_end)(void);
    dcc_status (*dcc_timeline_write)(const char *path, size_t path_length);
    dcc_status (*dcc_control_open)(const dcc_control_desc *desc);
    dcc_status (*dcc_control_close)(void);
    dcc_status (*dcc_control_address)(char *buffer, size_t size, size_t *out_length);
    dcc_status (*dcc_shutdown)(void);
    uint32_t (*dcc_abi_version)(void);
    const char * (*dcc_version_string)(void);
    uint64_t (*dcc_clock_now_ns)(void);
    dcc_status (*dcc_instance_check)(void);
    dcc_status (*dcc_poll_read_current)(dcc_poll_pair *out_pair);
    dcc_status (*dcc_poll_read_current_at)(dcc_poll_pair *out_pair, const char *file,
        uint32_t line);
    dcc_status (*dcc_poll_read_token)(const dcc_cancel_token *token, dcc_poll_layer *out_layer);
    dcc_status (*dcc_poll_slow)(uint64_t token, uint64_t job, const char *file, uint32_t line);
    dcc_status (*dcc_job_set_progress_at)(const dcc_job *job, uint64_t done, uint64_t total,
        const char *message, size_t message_length, const char *file, uint32_t line);
    dcc_status (*dcc_progress_add_at)(const dcc_progress *progress, uint64_t n, const char *file,
        uint32_t line);
    dcc_status (*dcc_progress_read_counter)(const dcc_progress *progress,
        dcc_progress_counter *out_counter);
} dcc_cancel_api;

/* Makes the functions available. Any thread may call this. `path` is a file (UTF-8); NULL lets the
 * system search by the library's name. If the call fails, `error` gets the reason, in at most
 * `error_size` bytes with the NUL.
 *
 * - DCC_OK: the functions are available, since this call or an earlier one.
 * - DCC_NOT_FOUND: there is no instance, and `path` could not be loaded.
 * - DCC_ERROR_UNSUPPORTED: the instance has another ABI.
 * - DCC_ERROR_RESOURCES: there is no memory. */
DCC_CANCEL_HIDDEN_ dcc_status dcc_cancel_load(const char *path, char *error, size_t error_size);

/* The functions after dcc_cancel_load, which writes this pointer. NULL before. */
extern DCC_CANCEL_HIDDEN_ const dcc_cancel_api *dcc_cancel_loaded_api;

/* Reads the pointer atomically, because another thread may be writing it. */
DCC_API const dcc_cancel_api *dcc_cancel_api_now(void)
{
#if defined(_MSC_VER) && !defined(__clang__)
    return *(const dcc_cancel_api *volatile *)&dcc_cancel_loaded_api;
#else
    return __atomic_load_n(&dcc_cancel_loaded_api, __ATOMIC_ACQUIRE);
#endif
}

/* A poll layer that is never cancelled. */
DCC_API dcc_poll_layer dcc_cancel_quiet_layer_(void)
{
    static const uint64_t never = 0;
    dcc_poll_layer layer;
    layer.word = &never;
    layer.expected = 0;
    return layer;
}

DCC_API const char *dcc_status_string(dcc_status status)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_status_string != NULL)
        return api->dcc_status_string(status);
    return "dcc-cancel is not loaded; call dcc_cancel_load before anything else";
}

DCC_API dcc_status dcc_last_error(char *buffer, size_t size, size_t *out_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_last_error != NULL)
        return api->dcc_last_error(buffer, size, out_length);
    if (buffer != NULL && size > 0)
        *buffer = '\0';
    if (out_length != NULL)
        *out_length = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_create(dcc_cancel_token **out_token)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_create != NULL)
        return api->dcc_cancel_token_create(out_token);
    if (out_token != NULL)
        *out_token = NULL;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_create_from(const dcc_cancel_token_desc *desc,
    dcc_cancel_token **out_token)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_create_from != NULL)
        return api->dcc_cancel_token_create_from(desc, out_token);
    if (out_token != NULL)
        *out_token = NULL;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_retain(const dcc_cancel_token *token)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_retain != NULL)
        return api->dcc_cancel_token_retain(token);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_release(dcc_cancel_token *token)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_release != NULL)
        return api->dcc_cancel_token_release(token);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_cancel(const dcc_cancel_token *token, const char *reason,
    size_t reason_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_cancel != NULL)
        return api->dcc_cancel_token_cancel(token, reason, reason_length);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_is_cancelled(const dcc_cancel_token *token)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_is_cancelled != NULL)
        return api->dcc_cancel_token_is_cancelled(token);
    return DCC_OK;
}

DCC_API dcc_status dcc_cancel_token_reason(const dcc_cancel_token *token, char *buffer, size_t size,
    size_t *out_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_reason != NULL)
        return api->dcc_cancel_token_reason(token, buffer, size, out_length);
    if (buffer != NULL && size > 0)
        *buffer = '\0';
    if (out_length != NULL)
        *out_length = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_cause(const dcc_cancel_token *token, dcc_cause *out_cause)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_cause != NULL)
        return api->dcc_cancel_token_cause(token, out_cause);
    if (out_cause != NULL)
        *out_cause = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_time_since_cancelled(const dcc_cancel_token *token,
    uint64_t *out_since_cancel_ns)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_time_since_cancelled != NULL)
        return api->dcc_cancel_token_time_since_cancelled(token, out_since_cancel_ns);
    if (out_since_cancel_ns != NULL)
        *out_since_cancel_ns = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_caller_id(const dcc_cancel_token *token, char *buffer,
    size_t size, size_t *out_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_caller_id != NULL)
        return api->dcc_cancel_token_caller_id(token, buffer, size, out_length);
    if (buffer != NULL && size > 0)
        *buffer = '\0';
    if (out_length != NULL)
        *out_length = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_create_all(const dcc_cancel_token *const *parents, size_t count,
    dcc_cancel_token **out_token)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_create_all != NULL)
        return api->dcc_cancel_token_create_all(parents, count, out_token);
    if (out_token != NULL)
        *out_token = NULL;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_join(const dcc_cancel_token *token,
    const dcc_cancel_token *parent)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_join != NULL)
        return api->dcc_cancel_token_join(token, parent);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_set_current(const dcc_cancel_token *token,
    dcc_ticket *out_ticket)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_set_current != NULL)
        return api->dcc_cancel_token_set_current(token, out_ticket);
    if (out_ticket != NULL)
        *out_ticket = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_reset_current(dcc_ticket ticket)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_reset_current != NULL)
        return api->dcc_cancel_token_reset_current(ticket);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_cancel_token *dcc_cancel_token_current(void)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_current != NULL)
        return api->dcc_cancel_token_current();
    return NULL;
}

DCC_API dcc_status dcc_job_set_current(const dcc_job *job, dcc_ticket *out_ticket)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_set_current != NULL)
        return api->dcc_job_set_current(job, out_ticket);
    if (out_ticket != NULL)
        *out_ticket = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_reset_current(dcc_ticket ticket)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_reset_current != NULL)
        return api->dcc_job_reset_current(ticket);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_job *dcc_job_current(void)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_current != NULL)
        return api->dcc_job_current();
    return NULL;
}

DCC_API dcc_status dcc_check_cancelled(void)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_check_cancelled != NULL)
        return api->dcc_check_cancelled();
    return DCC_OK;
}

DCC_API dcc_status dcc_cancel_token_check_current(void)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_check_current != NULL)
        return api->dcc_cancel_token_check_current();
    return DCC_OK;
}

DCC_API dcc_status dcc_job_create(const dcc_job_desc *desc, dcc_job **out_job)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_create != NULL)
        return api->dcc_job_create(desc, out_job);
    if (out_job != NULL)
        *out_job = NULL;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_retain(const dcc_job *job)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_retain != NULL)
        return api->dcc_job_retain(job);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_release(dcc_job *job)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_release != NULL)
        return api->dcc_job_release(job);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API uint64_t dcc_job_id(const dcc_job *job)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_id != NULL)
        return api->dcc_job_id(job);
    return 0;
}

DCC_API dcc_status dcc_job_find(uint64_t id, dcc_job **out_job)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_find != NULL)
        return api->dcc_job_find(id, out_job);
    if (out_job != NULL)
        *out_job = NULL;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_cancel_token *dcc_job_token(const dcc_job *job)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_token != NULL)
        return api->dcc_job_token(job);
    return NULL;
}

DCC_API dcc_status dcc_job_user_data(const dcc_job *job, void **out_user_data)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_user_data != NULL)
        return api->dcc_job_user_data(job, out_user_data);
    if (out_user_data != NULL)
        *out_user_data = NULL;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_cancel(const dcc_job *job, const char *reason, size_t reason_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_cancel != NULL)
        return api->dcc_job_cancel(job, reason, reason_length);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_is_cancelled(const dcc_job *job)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_is_cancelled != NULL)
        return api->dcc_job_is_cancelled(job);
    return DCC_OK;
}

DCC_API dcc_status dcc_job_state(const dcc_job *job, int32_t *out_state)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_state != NULL)
        return api->dcc_job_state(job, out_state);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_begin(const dcc_job *job)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_begin != NULL)
        return api->dcc_job_begin(job);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_complete(const dcc_job *job)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_complete != NULL)
        return api->dcc_job_complete(job);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_fail(const dcc_job *job, const char *message, size_t message_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_fail != NULL)
        return api->dcc_job_fail(job, message, message_length);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_acknowledge_cancel(const dcc_job *job)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_acknowledge_cancel != NULL)
        return api->dcc_job_acknowledge_cancel(job);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_end_by_error(const dcc_job *job, int32_t was_told, const char *message,
    size_t message_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_end_by_error != NULL)
        return api->dcc_job_end_by_error(job, was_told, message, message_length);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_interrupt(const dcc_job *job, const char *message, size_t message_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_interrupt != NULL)
        return api->dcc_job_interrupt(job, message, message_length);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_label(const dcc_job *job, char *buffer, size_t size, size_t *out_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_label != NULL)
        return api->dcc_job_label(job, buffer, size, out_length);
    if (buffer != NULL && size > 0)
        *buffer = '\0';
    if (out_length != NULL)
        *out_length = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_caller_id(const dcc_job *job, char *buffer, size_t size,
    size_t *out_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_caller_id != NULL)
        return api->dcc_job_caller_id(job, buffer, size, out_length);
    if (buffer != NULL && size > 0)
        *buffer = '\0';
    if (out_length != NULL)
        *out_length = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_failure(const dcc_job *job, char *buffer, size_t size,
    size_t *out_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_failure != NULL)
        return api->dcc_job_failure(job, buffer, size, out_length);
    if (buffer != NULL && size > 0)
        *buffer = '\0';
    if (out_length != NULL)
        *out_length = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_seal(const dcc_job *job)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_seal != NULL)
        return api->dcc_job_seal(job);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_is_sealed(const dcc_job *job)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_is_sealed != NULL)
        return api->dcc_job_is_sealed(job);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status (dcc_job_set_progress)(const dcc_job *job, uint64_t done, uint64_t total,
    const char *message, size_t message_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_set_progress != NULL)
        return (api->dcc_job_set_progress)(job, done, total, message, message_length);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_read_progress(const dcc_job *job, dcc_job_progress *out_progress)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_read_progress != NULL)
        return api->dcc_job_read_progress(job, out_progress);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_progress_message(const dcc_job *job, char *buffer, size_t size,
    size_t *out_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_progress_message != NULL)
        return api->dcc_job_progress_message(job, buffer, size, out_length);
    if (buffer != NULL && size > 0)
        *buffer = '\0';
    if (out_length != NULL)
        *out_length = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_progress_begin(const dcc_progress_desc *desc, dcc_progress **out_progress)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_progress_begin != NULL)
        return api->dcc_progress_begin(desc, out_progress);
    if (out_progress != NULL)
        *out_progress = NULL;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_progress_retain(const dcc_progress *progress)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_progress_retain != NULL)
        return api->dcc_progress_retain(progress);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_progress_release(dcc_progress *progress)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_progress_release != NULL)
        return api->dcc_progress_release(progress);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_progress_end(const dcc_progress *progress)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_progress_end != NULL)
        return api->dcc_progress_end(progress);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_progress_set_current(const dcc_progress *progress, dcc_ticket *out_ticket)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_progress_set_current != NULL)
        return api->dcc_progress_set_current(progress, out_ticket);
    if (out_ticket != NULL)
        *out_ticket = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_progress_reset_current(dcc_ticket ticket)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_progress_reset_current != NULL)
        return api->dcc_progress_reset_current(ticket);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API const dcc_progress *dcc_progress_current(void)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_progress_current != NULL)
        return api->dcc_progress_current();
    return NULL;
}

DCC_API dcc_status dcc_progress_add(const dcc_progress *progress, uint64_t n)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_progress_add != NULL)
        return api->dcc_progress_add(progress, n);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_progress_set_total(const dcc_progress *progress, uint64_t total)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_progress_set_total != NULL)
        return api->dcc_progress_set_total(progress, total);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_progress_set_message(const dcc_progress *progress, const char *message,
    size_t message_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_progress_set_message != NULL)
        return api->dcc_progress_set_message(progress, message, message_length);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_context_capture(dcc_context **out_context)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_context_capture != NULL)
        return api->dcc_context_capture(out_context);
    if (out_context != NULL)
        *out_context = NULL;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_context_bind(dcc_thread_fn function, void *user_data, dcc_destroy_fn destroy,
    dcc_context **out_context)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_context_bind != NULL)
        return api->dcc_context_bind(function, user_data, destroy, out_context);
    if (out_context != NULL)
        *out_context = NULL;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API void *dcc_context_run(void *bound)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_context_run != NULL)
        return api->dcc_context_run(bound);
    return NULL;
}

DCC_API dcc_status dcc_context_retain(const dcc_context *context)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_context_retain != NULL)
        return api->dcc_context_retain(context);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_context_release(dcc_context *context)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_context_release != NULL)
        return api->dcc_context_release(context);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_context_enter(const dcc_context *context, dcc_ticket *out_ticket)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_context_enter != NULL)
        return api->dcc_context_enter(context, out_ticket);
    if (out_ticket != NULL)
        *out_ticket = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_context_shield(dcc_ticket *out_ticket)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_context_shield != NULL)
        return api->dcc_context_shield(out_ticket);
    if (out_ticket != NULL)
        *out_ticket = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_context_exit(dcc_ticket ticket)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_context_exit != NULL)
        return api->dcc_context_exit(ticket);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_context_unwind(dcc_ticket ticket)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_context_unwind != NULL)
        return api->dcc_context_unwind(ticket);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_context_caller_id(char *buffer, size_t size, size_t *out_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_context_caller_id != NULL)
        return api->dcc_context_caller_id(buffer, size, out_length);
    if (buffer != NULL && size > 0)
        *buffer = '\0';
    if (out_length != NULL)
        *out_length = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_library_call_begin(dcc_library_call *out_call)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_library_call_begin != NULL)
        return api->dcc_library_call_begin(out_call);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_library_call_ask(void *call)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_library_call_ask != NULL)
        return api->dcc_library_call_ask(call);
    return DCC_OK;
}

DCC_API dcc_status dcc_library_call_end(const dcc_library_call *call, int32_t succeeded,
    int32_t was_aborted, const char *words, size_t words_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_library_call_end != NULL)
        return api->dcc_library_call_end(call, succeeded, was_aborted, words, words_length);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_register(const dcc_cancel_token *token, dcc_cancel_fn function,
    void *user_data, dcc_destroy_fn destroy, const dcc_owner *owner,
    dcc_registration **out_registration)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_register != NULL)
        return api->dcc_cancel_token_register(token, function, user_data, destroy, owner,
            out_registration);
    if (out_registration != NULL)
        *out_registration = NULL;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_register_keeping(const dcc_cancel_token *token,
    dcc_cancel_fn function, void *user_data, dcc_destroy_fn destroy, const dcc_owner *owner,
    dcc_registration **out_registration)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_register_keeping != NULL)
        return api->dcc_cancel_token_register_keeping(token, function, user_data, destroy, owner,
            out_registration);
    if (out_registration != NULL)
        *out_registration = NULL;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_registration_unregister(dcc_registration *registration)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_registration_unregister != NULL)
        return api->dcc_registration_unregister(registration);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_registration_unregister_no_wait(dcc_registration *registration)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_registration_unregister_no_wait != NULL)
        return api->dcc_registration_unregister_no_wait(registration);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_owner_create(dcc_owner **out_owner)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_owner_create != NULL)
        return api->dcc_owner_create(out_owner);
    if (out_owner != NULL)
        *out_owner = NULL;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_owner_close(dcc_owner *owner)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_owner_close != NULL)
        return api->dcc_owner_close(owner);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_cancel_async(const dcc_cancel_token *token, const char *reason,
    size_t reason_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_cancel_async != NULL)
        return api->dcc_cancel_token_cancel_async(token, reason, reason_length);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_set_deadline_after(const dcc_cancel_token *token,
    uint64_t after_ns)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_set_deadline_after != NULL)
        return api->dcc_cancel_token_set_deadline_after(token, after_ns);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_set_deadline(const dcc_cancel_token *token, uint64_t at_ns)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_set_deadline != NULL)
        return api->dcc_cancel_token_set_deadline(token, at_ns);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_clear_deadline(const dcc_cancel_token *token)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_clear_deadline != NULL)
        return api->dcc_cancel_token_clear_deadline(token);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_deadline(const dcc_cancel_token *token, uint64_t *out_at_ns)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_deadline != NULL)
        return api->dcc_cancel_token_deadline(token, out_at_ns);
    if (out_at_ns != NULL)
        *out_at_ns = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_wait(const dcc_cancel_token *token, uint64_t timeout_ns)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_wait != NULL)
        return api->dcc_cancel_token_wait(token, timeout_ns);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_wait_any(const dcc_cancel_token *const *tokens, size_t count,
    uint64_t timeout_ns, size_t *out_index)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_wait_any != NULL)
        return api->dcc_cancel_token_wait_any(tokens, count, timeout_ns, out_index);
    if (out_index != NULL)
        *out_index = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_context_ask(const dcc_cancel_token *token, uint64_t *out_again_ns)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_context_ask != NULL)
        return api->dcc_context_ask(token, out_again_ns);
    if (out_again_ns != NULL)
        *out_again_ns = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_native_event(const dcc_cancel_token *token,
    dcc_native_event *out_native_event)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_native_event != NULL)
        return api->dcc_cancel_token_native_event(token, out_native_event);
    if (out_native_event != NULL)
        *out_native_event = DCC_NO_NATIVE_EVENT;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_native_event_close(dcc_native_event native_event)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_native_event_close != NULL)
        return api->dcc_native_event_close(native_event);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_wait(const dcc_job *job, uint64_t timeout_ns)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_wait != NULL)
        return api->dcc_job_wait(job, timeout_ns);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_native_event(const dcc_job *job, dcc_native_event *out_native_event)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_native_event != NULL)
        return api->dcc_job_native_event(job, out_native_event);
    if (out_native_event != NULL)
        *out_native_event = DCC_NO_NATIVE_EVENT;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_dispatcher_create(const dcc_dispatcher_desc *desc,
    dcc_dispatcher **out_dispatcher)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_dispatcher_create != NULL)
        return api->dcc_dispatcher_create(desc, out_dispatcher);
    if (out_dispatcher != NULL)
        *out_dispatcher = NULL;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_dispatcher_retain(const dcc_dispatcher *dispatcher)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_dispatcher_retain != NULL)
        return api->dcc_dispatcher_retain(dispatcher);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_dispatcher_release(dcc_dispatcher *dispatcher)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_dispatcher_release != NULL)
        return api->dcc_dispatcher_release(dispatcher);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_dispatcher_close(const dcc_dispatcher *dispatcher)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_dispatcher_close != NULL)
        return api->dcc_dispatcher_close(dispatcher);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_dispatcher_find(const dcc_dispatcher *dispatcher, const char *caller_id,
    size_t caller_id_length, dcc_job **out_job)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_dispatcher_find != NULL)
        return api->dcc_dispatcher_find(dispatcher, caller_id, caller_id_length, out_job);
    if (out_job != NULL)
        *out_job = NULL;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_dispatcher_post(const dcc_dispatcher *dispatcher, const dcc_post_desc *desc,
    dcc_job **out_job, dcc_admission *out_admission)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_dispatcher_post != NULL)
        return api->dcc_dispatcher_post(dispatcher, desc, out_job, out_admission);
    if (out_job != NULL)
        *out_job = NULL;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_dispatcher_post_and_wait(const dcc_dispatcher *dispatcher,
    const dcc_post_desc *desc, uint64_t timeout_ns, dcc_job **out_job, int32_t *out_state)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_dispatcher_post_and_wait != NULL)
        return api->dcc_dispatcher_post_and_wait(dispatcher, desc, timeout_ns, out_job, out_state);
    if (out_job != NULL)
        *out_job = NULL;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_dispatcher_pump(const dcc_dispatcher *dispatcher, uint64_t budget_ns,
    uint64_t max_jobs, dcc_tick *out_tick)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_dispatcher_pump != NULL)
        return api->dcc_dispatcher_pump(dispatcher, budget_ns, max_jobs, out_tick);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_slice_is_over(void)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_slice_is_over != NULL)
        return api->dcc_slice_is_over();
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API uint64_t dcc_slice_ends_at_ns(void)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_slice_ends_at_ns != NULL)
        return api->dcc_slice_ends_at_ns();
    return 0;
}

DCC_API dcc_status dcc_job_wake(const dcc_job *job)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_wake != NULL)
        return api->dcc_job_wake(job);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_wake_at_cancel(const dcc_job *job, const dcc_cancel_token *token,
    dcc_registration **out_registration)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_wake_at_cancel != NULL)
        return api->dcc_job_wake_at_cancel(job, token, out_registration);
    if (out_registration != NULL)
        *out_registration = NULL;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_wake_at_end(const dcc_job *job, const dcc_job *awaited)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_wake_at_end != NULL)
        return api->dcc_job_wake_at_end(job, awaited);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_dispatcher_read_stats(const dcc_dispatcher *dispatcher,
    dcc_dispatcher_stats *out_stats)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_dispatcher_read_stats != NULL)
        return api->dcc_dispatcher_read_stats(dispatcher, out_stats);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_dispatcher_longest_label(const dcc_dispatcher *dispatcher, char *buffer,
    size_t size, size_t *out_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_dispatcher_longest_label != NULL)
        return api->dcc_dispatcher_longest_label(dispatcher, buffer, size, out_length);
    if (buffer != NULL && size > 0)
        *buffer = '\0';
    if (out_length != NULL)
        *out_length = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_session_create(const dcc_session_desc *desc, dcc_session **out_session)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_session_create != NULL)
        return api->dcc_session_create(desc, out_session);
    if (out_session != NULL)
        *out_session = NULL;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_session_retain(const dcc_session *session)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_session_retain != NULL)
        return api->dcc_session_retain(session);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_session_release(dcc_session *session)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_session_release != NULL)
        return api->dcc_session_release(session);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_session_close(const dcc_session *session)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_session_close != NULL)
        return api->dcc_session_close(session);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_session_cancel(const dcc_session *session, const dcc_request_id *id,
    const char *reason, size_t reason_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_session_cancel != NULL)
        return api->dcc_session_cancel(session, id, reason, reason_length);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_session_query(const dcc_session *session, const dcc_request_id *id,
    int32_t *out_state)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_session_query != NULL)
        return api->dcc_session_query(session, id, out_state);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_session_reason(const dcc_session *session, const dcc_request_id *id,
    char *buffer, size_t size, size_t *out_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_session_reason != NULL)
        return api->dcc_session_reason(session, id, buffer, size, out_length);
    if (buffer != NULL && size > 0)
        *buffer = '\0';
    if (out_length != NULL)
        *out_length = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_session_clear(const dcc_session *session, const dcc_request_id *id)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_session_clear != NULL)
        return api->dcc_session_clear(session, id);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_session_sweep(const dcc_session *session, uint64_t ttl_ns,
    uint64_t *out_count)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_session_sweep != NULL)
        return api->dcc_session_sweep(session, ttl_ns, out_count);
    if (out_count != NULL)
        *out_count = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_session_handle_message(const dcc_session *session, const char *message,
    size_t message_length, dcc_message_info *out_info)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_session_handle_message != NULL)
        return api->dcc_session_handle_message(session, message, message_length, out_info);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_session_read_stats(const dcc_session *session, dcc_session_stats *out_stats)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_session_read_stats != NULL)
        return api->dcc_session_read_stats(session, out_stats);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_request_begin(const dcc_session *session, const dcc_request_desc *desc,
    dcc_request **out_request)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_request_begin != NULL)
        return api->dcc_request_begin(session, desc, out_request);
    if (out_request != NULL)
        *out_request = NULL;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_request_retain(const dcc_request *request)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_request_retain != NULL)
        return api->dcc_request_retain(request);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_request_release(dcc_request *request)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_request_release != NULL)
        return api->dcc_request_release(request);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_cancel_token *dcc_request_token(const dcc_request *request)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_request_token != NULL)
        return api->dcc_request_token(request);
    return NULL;
}

DCC_API dcc_status dcc_request_cancel(const dcc_request *request, const char *reason,
    size_t reason_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_request_cancel != NULL)
        return api->dcc_request_cancel(request, reason, reason_length);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_request_end(const dcc_request *request, int32_t *out_owed)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_request_end != NULL)
        return api->dcc_request_end(request, out_owed);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_request_write_cancelled(const dcc_request *request, char *buffer,
    size_t size, size_t *out_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_request_write_cancelled != NULL)
        return api->dcc_request_write_cancelled(request, buffer, size, out_length);
    if (buffer != NULL && size > 0)
        *buffer = '\0';
    if (out_length != NULL)
        *out_length = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_request_set_progress(const dcc_request *request,
    const dcc_request_progress *progress)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_request_set_progress != NULL)
        return api->dcc_request_set_progress(request, progress);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_request_set_progress_of_job(const dcc_request *request, const dcc_job *job)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_request_set_progress_of_job != NULL)
        return api->dcc_request_set_progress_of_job(request, job);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_request_write_progress(const dcc_request *request, uint32_t flags,
    char *buffer, size_t size, size_t *out_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_request_write_progress != NULL)
        return api->dcc_request_write_progress(request, flags, buffer, size, out_length);
    if (buffer != NULL && size > 0)
        *buffer = '\0';
    if (out_length != NULL)
        *out_length = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_request_seal(const dcc_request *request)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_request_seal != NULL)
        return api->dcc_request_seal(request);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_events_create(size_t capacity, dcc_events **out_events)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_events_create != NULL)
        return api->dcc_events_create(capacity, out_events);
    if (out_events != NULL)
        *out_events = NULL;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_events_drain(const dcc_events *observer, dcc_event *events, size_t stride,
    size_t capacity, size_t *out_count)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_events_drain != NULL)
        return api->dcc_events_drain(observer, events, stride, capacity, out_count);
    if (out_count != NULL)
        *out_count = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_events_retain(const dcc_events *observer)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_events_retain != NULL)
        return api->dcc_events_retain(observer);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_events_release(dcc_events *observer)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_events_release != NULL)
        return api->dcc_events_release(observer);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_events_set_slow_cancel_threshold(uint64_t threshold_ns)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_events_set_slow_cancel_threshold != NULL)
        return api->dcc_events_set_slow_cancel_threshold(threshold_ns);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_cancel_token_trace_parent(const dcc_cancel_token *token, char *buffer,
    size_t size, size_t *out_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_cancel_token_trace_parent != NULL)
        return api->dcc_cancel_token_trace_parent(token, buffer, size, out_length);
    if (buffer != NULL && size > 0)
        *buffer = '\0';
    if (out_length != NULL)
        *out_length = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_events_next(const dcc_events *observer, dcc_event_details *out_details)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_events_next != NULL)
        return api->dcc_events_next(observer, out_details);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_trace(const dcc_job *job, int32_t on)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_trace != NULL)
        return api->dcc_job_trace(job, on);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_trace_all(int32_t on)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_trace_all != NULL)
        return api->dcc_trace_all(on);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_poll_gap(const dcc_job *job, dcc_poll_gap *out_gap)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_poll_gap != NULL)
        return api->dcc_job_poll_gap(job, out_gap);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_job_threads(const dcc_job *job, dcc_job_thread *threads, size_t stride,
    size_t capacity, size_t *out_count)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_threads != NULL)
        return api->dcc_job_threads(job, threads, stride, capacity, out_count);
    if (out_count != NULL)
        *out_count = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_stats_live_jobs(char *buffer, size_t size, size_t *out_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_stats_live_jobs != NULL)
        return api->dcc_stats_live_jobs(buffer, size, out_length);
    if (buffer != NULL && size > 0)
        *buffer = '\0';
    if (out_length != NULL)
        *out_length = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_stats_jobs_page(uint64_t from, uint32_t most, char *buffer, size_t size,
    size_t *out_length, uint64_t *out_next)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_stats_jobs_page != NULL)
        return api->dcc_stats_jobs_page(from, most, buffer, size, out_length, out_next);
    if (buffer != NULL && size > 0)
        *buffer = '\0';
    if (out_length != NULL)
        *out_length = 0;
    if (out_next != NULL)
        *out_next = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_stats_read(dcc_stats *out_stats)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_stats_read != NULL)
        return api->dcc_stats_read(out_stats);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_stats_polls_without_job(char *buffer, size_t size, size_t *out_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_stats_polls_without_job != NULL)
        return api->dcc_stats_polls_without_job(buffer, size, out_length);
    if (buffer != NULL && size > 0)
        *buffer = '\0';
    if (out_length != NULL)
        *out_length = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_stats_latency(int32_t which, dcc_latency *out_latency)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_stats_latency != NULL)
        return api->dcc_stats_latency(which, out_latency);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_timeline_begin(uint64_t max_entries)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_timeline_begin != NULL)
        return api->dcc_timeline_begin(max_entries);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_timeline_end(void)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_timeline_end != NULL)
        return api->dcc_timeline_end();
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_timeline_write(const char *path, size_t path_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_timeline_write != NULL)
        return api->dcc_timeline_write(path, path_length);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_control_open(const dcc_control_desc *desc)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_control_open != NULL)
        return api->dcc_control_open(desc);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_control_close(void)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_control_close != NULL)
        return api->dcc_control_close();
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_control_address(char *buffer, size_t size, size_t *out_length)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_control_address != NULL)
        return api->dcc_control_address(buffer, size, out_length);
    if (buffer != NULL && size > 0)
        *buffer = '\0';
    if (out_length != NULL)
        *out_length = 0;
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_shutdown(void)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_shutdown != NULL)
        return api->dcc_shutdown();
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API uint32_t dcc_abi_version(void)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_abi_version != NULL)
        return api->dcc_abi_version();
    return 0;
}

DCC_API const char *dcc_version_string(void)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_version_string != NULL)
        return api->dcc_version_string();
    return "dcc-cancel is not loaded; call dcc_cancel_load before anything else";
}

DCC_API uint64_t dcc_clock_now_ns(void)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_clock_now_ns != NULL)
        return api->dcc_clock_now_ns();
    return 0;
}

DCC_API dcc_status dcc_instance_check(void)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_instance_check != NULL)
        return api->dcc_instance_check();
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_poll_read_current(dcc_poll_pair *out_pair)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_poll_read_current != NULL)
        return api->dcc_poll_read_current(out_pair);
    if (out_pair == NULL)
        return DCC_ERROR_INVALID_ARGUMENT;
    out_pair->token = out_pair->job = dcc_cancel_quiet_layer_();
    return DCC_OK;
}

DCC_API dcc_status dcc_poll_read_current_at(dcc_poll_pair *out_pair, const char *file,
    uint32_t line)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_poll_read_current_at != NULL)
        return api->dcc_poll_read_current_at(out_pair, file, line);
    if (out_pair == NULL)
        return DCC_ERROR_INVALID_ARGUMENT;
    out_pair->token = out_pair->job = dcc_cancel_quiet_layer_();
    return DCC_OK;
}

DCC_API dcc_status dcc_poll_read_token(const dcc_cancel_token *token, dcc_poll_layer *out_layer)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_poll_read_token != NULL)
        return api->dcc_poll_read_token(token, out_layer);
    if (out_layer == NULL)
        return DCC_ERROR_INVALID_ARGUMENT;
    *out_layer = dcc_cancel_quiet_layer_();
    return DCC_OK;
}

DCC_API dcc_status dcc_poll_slow(uint64_t token, uint64_t job, const char *file, uint32_t line)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_poll_slow != NULL)
        return api->dcc_poll_slow(token, job, file, line);
    return DCC_OK;
}

DCC_API dcc_status dcc_job_set_progress_at(const dcc_job *job, uint64_t done, uint64_t total,
    const char *message, size_t message_length, const char *file, uint32_t line)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_job_set_progress_at != NULL)
        return api->dcc_job_set_progress_at(job, done, total, message, message_length, file, line);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_progress_add_at(const dcc_progress *progress, uint64_t n, const char *file,
    uint32_t line)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_progress_add_at != NULL)
        return api->dcc_progress_add_at(progress, n, file, line);
    return DCC_ERROR_UNSUPPORTED;
}

DCC_API dcc_status dcc_progress_read_counter(const dcc_progress *progress,
    dcc_progress_counter *out_counter)
{
    const dcc_cancel_api *api = dcc_cancel_api_now();
    if (api != NULL && api->dcc_progress_read_counter != NULL)
        return api->dcc_progress_read_counter(progress, out_counter);
    return DCC_ERROR_UNSUPPORTED;
}


#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* DCC_CANCEL_DL_H */

#if defined(DCC_CANCEL_DL_IMPLEMENTATION) && !defined(DCC_CANCEL_DL_IMPLEMENTED)
#define DCC_CANCEL_DL_IMPLEMENTED

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(_WIN32)
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#else
#include <dlfcn.h>
#if defined(__APPLE__)
#include <mach-o/dyld.h>
#endif
#endif

#define DCC_CANCEL_TEXT_OF_(number) #number
#define DCC_CANCEL_NUMBER_TEXT_(number) DCC_CANCEL_TEXT_OF_(number)
#if defined(_WIN32)
#define DCC_CANCEL_NAME_ "dcc_cancel.dll"
#elif defined(__APPLE__)
#define DCC_CANCEL_NAME_ "libdcc_cancel." DCC_CANCEL_NUMBER_TEXT_(DCC_ABI_MAJOR) ".dylib"
#else
#define DCC_CANCEL_NAME_ "libdcc_cancel.so." DCC_CANCEL_NUMBER_TEXT_(DCC_ABI_MAJOR)
#endif

#ifdef __cplusplus
extern "C" {
#endif

const dcc_cancel_api *dcc_cancel_loaded_api = NULL;

#if defined(_WIN32)

typedef BOOL(WINAPI *dcc_cancel_modules_)(HANDLE, HMODULE *, DWORD, LPDWORD);
typedef DWORD(WINAPI *dcc_cancel_module_name_)(HANDLE, HMODULE, LPWSTR, DWORD);

/* The oldest module with the library's name. NULL if the system does not tell. */
static HMODULE dcc_cancel_oldest_(void)
{
    const HMODULE kernel = GetModuleHandleW(L"kernel32.dll");
    const FARPROC list = GetProcAddress(kernel, "K32EnumProcessModules");
    const FARPROC name = GetProcAddress(kernel, "K32GetModuleBaseNameW");
    dcc_cancel_modules_ list_modules;
    dcc_cancel_module_name_ name_module;
    HMODULE *modules = NULL;
    HMODULE oldest = NULL;
    DWORD room = 0;
    DWORD needed = 1024 * sizeof *modules;
    DWORD index;
    if (list == NULL || name == NULL)
        return NULL;
    memcpy(&list_modules, &list, sizeof list);
    memcpy(&name_module, &name, sizeof name);
    /* Other threads may load modules meanwhile, so the list may grow. */
    while (needed > room) {
        free(modules);
        room = needed;
        modules = (HMODULE *)malloc(room);
        if (modules == NULL || !list_modules(GetCurrentProcess(), modules, room, &needed)) {
            free(modules);
            return NULL;
        }
    }
    for (index = 0; oldest == NULL && index < needed / sizeof *modules; ++index) {
        wchar_t base[32];
        if (name_module(GetCurrentProcess(), modules[index], base, 32) > 0 &&
            lstrcmpiW(base, L"dcc_cancel.dll") == 0)
            oldest = modules[index];
    }
    free(modules);
    return oldest;
}

/* The system may find any of several copies by the name. Each copy knows whether it is the first. */
static void *dcc_cancel_find_loaded_(void)
{
    HMODULE library = NULL;
    HMODULE oldest = NULL;
    FARPROC check;
    int look;
    dcc_status(*is_first)(void);
    /* Pinned, because the plugin that brought it may be unloaded before its first use pins it. */
    GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN, L"dcc_cancel.dll", &library);
    check = library != NULL ? GetProcAddress(library, "dcc_instance_check") : NULL;
    if (check == NULL)
        return (void *)library;
    memcpy(&is_first, &check, sizeof check);
    if (is_first() != DCC_SECOND_INSTANCE)
        return (void *)library;
    /* While other threads load modules, the list may be inconsistent, so look again. */
    for (look = 0; oldest == NULL && look < 100; ++look)
        oldest = dcc_cancel_oldest_();
    if (oldest == NULL ||
        !GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                            (LPCWSTR)(void *)oldest, &oldest))
        return (void *)library;
    return (void *)oldest;
}

static void *dcc_cancel_open_(const char *path, char *error, size_t error_size)
{
    wchar_t wide[1024];
    void *library = NULL;
    if (MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, 1024) > 0)
        library = (void *)LoadLibraryW(wide);
    if (library == NULL)
        snprintf(error, error_size, "cannot load %s: system error %lu", path,
                 (unsigned long)GetLastError());
    return library;
}

static void dcc_cancel_symbol_(void *library, const char *name, void *function)
{
    FARPROC symbol = GetProcAddress((HMODULE)library, name);
    memcpy(function, &symbol, sizeof symbol);
}

#else

static void *dcc_cancel_find_loaded_(void)
{
#if defined(__APPLE__)
    /* The loader's list begins with the oldest image. The file name tells the library. */
    uint32_t index;
    for (index = 0; index < _dyld_image_count(); ++index) {
        const char *path = _dyld_get_image_name(index);
        const char *slash = path != NULL ? strrchr(path, '/') : NULL;
        if (slash != NULL && strcmp(slash + 1, DCC_CANCEL_NAME_) == 0)
            return dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
    }
    return NULL;
#else
    return dlopen(DCC_CANCEL_NAME_, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
#endif
}

static void *dcc_cancel_open_(const char *path, char *error, size_t error_size)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        const char *why = dlerror();
        snprintf(error, error_size, "cannot load %s: %s", path, why != NULL ? why : "no reason given");
    }
    return library;
}

static void dcc_cancel_symbol_(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol);
}

#endif

/* The instance that is loaded, or else the file's. It is never closed, because it never unloads. */
static void *dcc_cancel_instance_(const char *path, char *error, size_t error_size)
{
    void *first = dcc_cancel_find_loaded_();
    void *own;
    if (first != NULL)
        return first;
    own = dcc_cancel_open_(path != NULL ? path : DCC_CANCEL_NAME_, error, error_size);
    if (own == NULL)
        return NULL;
    /* Another thread may have loaded another copy meanwhile. All threads then take the first one. */
    first = dcc_cancel_find_loaded_();
    return first != NULL ? first : own;
}

/* A function that an older library lacks stays NULL. It answers as before the load. */
static void dcc_cancel_fill_(dcc_cancel_api *api, void *library)
{
    dcc_cancel_symbol_(library, "dcc_status_string", &api->dcc_status_string);
    dcc_cancel_symbol_(library, "dcc_last_error", &api->dcc_last_error);
    dcc_cancel_symbol_(library, "dcc_cancel_token_create", &api->dcc_cancel_token_create);
    dcc_cancel_symbol_(library, "dcc_cancel_token_create_from", &api->dcc_cancel_token_create_from);
    dcc_cancel_symbol_(library, "dcc_cancel_token_retain", &api->dcc_cancel_token_retain);
    dcc_cancel_symbol_(library, "dcc_cancel_token_release", &api->dcc_cancel_token_release);
    dcc_cancel_symbol_(library, "dcc_cancel_token_cancel", &api->dcc_cancel_token_cancel);
    dcc_cancel_symbol_(library, "dcc_cancel_token_is_cancelled",
        &api->dcc_cancel_token_is_cancelled);
    dcc_cancel_symbol_(library, "dcc_cancel_token_reason", &api->dcc_cancel_token_reason);
    dcc_cancel_symbol_(library, "dcc_cancel_token_cause", &api->dcc_cancel_token_cause);
    dcc_cancel_symbol_(library, "dcc_cancel_token_time_since_cancelled",
        &api->dcc_cancel_token_time_since_cancelled);
    dcc_cancel_symbol_(library, "dcc_cancel_token_caller_id", &api->dcc_cancel_token_caller_id);
    dcc_cancel_symbol_(library, "dcc_cancel_token_create_all", &api->dcc_cancel_token_create_all);
    dcc_cancel_symbol_(library, "dcc_cancel_token_join", &api->dcc_cancel_token_join);
    dcc_cancel_symbol_(library, "dcc_cancel_token_set_current", &api->dcc_cancel_token_set_current);
    dcc_cancel_symbol_(library, "dcc_cancel_token_reset_current",
        &api->dcc_cancel_token_reset_current);
    dcc_cancel_symbol_(library, "dcc_cancel_token_current", &api->dcc_cancel_token_current);
    dcc_cancel_symbol_(library, "dcc_job_set_current", &api->dcc_job_set_current);
    dcc_cancel_symbol_(library, "dcc_job_reset_current", &api->dcc_job_reset_current);
    dcc_cancel_symbol_(library, "dcc_job_current", &api->dcc_job_current);
    dcc_cancel_symbol_(library, "dcc_check_cancelled", &api->dcc_check_cancelled);
    dcc_cancel_symbol_(library, "dcc_cancel_token_check_current",
        &api->dcc_cancel_token_check_current);
    dcc_cancel_symbol_(library, "dcc_job_create", &api->dcc_job_create);
    dcc_cancel_symbol_(library, "dcc_job_retain", &api->dcc_job_retain);
    dcc_cancel_symbol_(library, "dcc_job_release", &api->dcc_job_release);
    dcc_cancel_symbol_(library, "dcc_job_id", &api->dcc_job_id);
    dcc_cancel_symbol_(library, "dcc_job_find", &api->dcc_job_find);
    dcc_cancel_symbol_(library, "dcc_job_token", &api->dcc_job_token);
    dcc_cancel_symbol_(library, "dcc_job_user_data", &api->dcc_job_user_data);
    dcc_cancel_symbol_(library, "dcc_job_cancel", &api->dcc_job_cancel);
    dcc_cancel_symbol_(library, "dcc_job_is_cancelled", &api->dcc_job_is_cancelled);
    dcc_cancel_symbol_(library, "dcc_job_state", &api->dcc_job_state);
    dcc_cancel_symbol_(library, "dcc_job_begin", &api->dcc_job_begin);
    dcc_cancel_symbol_(library, "dcc_job_complete", &api->dcc_job_complete);
    dcc_cancel_symbol_(library, "dcc_job_fail", &api->dcc_job_fail);
    dcc_cancel_symbol_(library, "dcc_job_acknowledge_cancel", &api->dcc_job_acknowledge_cancel);
    dcc_cancel_symbol_(library, "dcc_job_end_by_error", &api->dcc_job_end_by_error);
    dcc_cancel_symbol_(library, "dcc_job_interrupt", &api->dcc_job_interrupt);
    dcc_cancel_symbol_(library, "dcc_job_label", &api->dcc_job_label);
    dcc_cancel_symbol_(library, "dcc_job_caller_id", &api->dcc_job_caller_id);
    dcc_cancel_symbol_(library, "dcc_job_failure", &api->dcc_job_failure);
    dcc_cancel_symbol_(library, "dcc_job_seal", &api->dcc_job_seal);
    dcc_cancel_symbol_(library, "dcc_job_is_sealed", &api->dcc_job_is_sealed);
    dcc_cancel_symbol_(library, "dcc_job_set_progress", &api->dcc_job_set_progress);
    dcc_cancel_symbol_(library, "dcc_job_read_progress", &api->dcc_job_read_progress);
    dcc_cancel_symbol_(library, "dcc_job_progress_message", &api->dcc_job_progress_message);
    dcc_cancel_symbol_(library, "dcc_progress_begin", &api->dcc_progress_begin);
    dcc_cancel_symbol_(library, "dcc_progress_retain", &api->dcc_progress_retain);
    dcc_cancel_symbol_(library, "dcc_progress_release", &api->dcc_progress_release);
    dcc_cancel_symbol_(library, "dcc_progress_end", &api->dcc_progress_end);
    dcc_cancel_symbol_(library, "dcc_progress_set_current", &api->dcc_progress_set_current);
    dcc_cancel_symbol_(library, "dcc_progress_reset_current", &api->dcc_progress_reset_current);
    dcc_cancel_symbol_(library, "dcc_progress_current", &api->dcc_progress_current);
    dcc_cancel_symbol_(library, "dcc_progress_add", &api->dcc_progress_add);
    dcc_cancel_symbol_(library, "dcc_progress_set_total", &api->dcc_progress_set_total);
    dcc_cancel_symbol_(library, "dcc_progress_set_message", &api->dcc_progress_set_message);
    dcc_cancel_symbol_(library, "dcc_context_capture", &api->dcc_context_capture);
    dcc_cancel_symbol_(library, "dcc_context_bind", &api->dcc_context_bind);
    dcc_cancel_symbol_(library, "dcc_context_run", &api->dcc_context_run);
    dcc_cancel_symbol_(library, "dcc_context_retain", &api->dcc_context_retain);
    dcc_cancel_symbol_(library, "dcc_context_release", &api->dcc_context_release);
    dcc_cancel_symbol_(library, "dcc_context_enter", &api->dcc_context_enter);
    dcc_cancel_symbol_(library, "dcc_context_shield", &api->dcc_context_shield);
    dcc_cancel_symbol_(library, "dcc_context_exit", &api->dcc_context_exit);
    dcc_cancel_symbol_(library, "dcc_context_unwind", &api->dcc_context_unwind);
    dcc_cancel_symbol_(library, "dcc_context_caller_id", &api->dcc_context_caller_id);
    dcc_cancel_symbol_(library, "dcc_library_call_begin", &api->dcc_library_call_begin);
    dcc_cancel_symbol_(library, "dcc_library_call_ask", &api->dcc_library_call_ask);
    dcc_cancel_symbol_(library, "dcc_library_call_end", &api->dcc_library_call_end);
    dcc_cancel_symbol_(library, "dcc_cancel_token_register", &api->dcc_cancel_token_register);
    dcc_cancel_symbol_(library, "dcc_cancel_token_register_keeping",
        &api->dcc_cancel_token_register_keeping);
    dcc_cancel_symbol_(library, "dcc_registration_unregister", &api->dcc_registration_unregister);
    dcc_cancel_symbol_(library, "dcc_registration_unregister_no_wait",
        &api->dcc_registration_unregister_no_wait);
    dcc_cancel_symbol_(library, "dcc_owner_create", &api->dcc_owner_create);
    dcc_cancel_symbol_(library, "dcc_owner_close", &api->dcc_owner_close);
    dcc_cancel_symbol_(library, "dcc_cancel_token_cancel_async",
        &api->dcc_cancel_token_cancel_async);
    dcc_cancel_symbol_(library, "dcc_cancel_token_set_deadline_after",
        &api->dcc_cancel_token_set_deadline_after);
    dcc_cancel_symbol_(library, "dcc_cancel_token_set_deadline",
        &api->dcc_cancel_token_set_deadline);
    dcc_cancel_symbol_(library, "dcc_cancel_token_clear_deadline",
        &api->dcc_cancel_token_clear_deadline);
    dcc_cancel_symbol_(library, "dcc_cancel_token_deadline", &api->dcc_cancel_token_deadline);
    dcc_cancel_symbol_(library, "dcc_cancel_token_wait", &api->dcc_cancel_token_wait);
    dcc_cancel_symbol_(library, "dcc_cancel_token_wait_any", &api->dcc_cancel_token_wait_any);
    dcc_cancel_symbol_(library, "dcc_context_ask", &api->dcc_context_ask);
    dcc_cancel_symbol_(library, "dcc_cancel_token_native_event",
        &api->dcc_cancel_token_native_event);
    dcc_cancel_symbol_(library, "dcc_native_event_close", &api->dcc_native_event_close);
    dcc_cancel_symbol_(library, "dcc_job_wait", &api->dcc_job_wait);
    dcc_cancel_symbol_(library, "dcc_job_native_event", &api->dcc_job_native_event);
    dcc_cancel_symbol_(library, "dcc_dispatcher_create", &api->dcc_dispatcher_create);
    dcc_cancel_symbol_(library, "dcc_dispatcher_retain", &api->dcc_dispatcher_retain);
    dcc_cancel_symbol_(library, "dcc_dispatcher_release", &api->dcc_dispatcher_release);
    dcc_cancel_symbol_(library, "dcc_dispatcher_close", &api->dcc_dispatcher_close);
    dcc_cancel_symbol_(library, "dcc_dispatcher_find", &api->dcc_dispatcher_find);
    dcc_cancel_symbol_(library, "dcc_dispatcher_post", &api->dcc_dispatcher_post);
    dcc_cancel_symbol_(library, "dcc_dispatcher_post_and_wait", &api->dcc_dispatcher_post_and_wait);
    dcc_cancel_symbol_(library, "dcc_dispatcher_pump", &api->dcc_dispatcher_pump);
    dcc_cancel_symbol_(library, "dcc_slice_is_over", &api->dcc_slice_is_over);
    dcc_cancel_symbol_(library, "dcc_slice_ends_at_ns", &api->dcc_slice_ends_at_ns);
    dcc_cancel_symbol_(library, "dcc_job_wake", &api->dcc_job_wake);
    dcc_cancel_symbol_(library, "dcc_job_wake_at_cancel", &api->dcc_job_wake_at_cancel);
    dcc_cancel_symbol_(library, "dcc_job_wake_at_end", &api->dcc_job_wake_at_end);
    dcc_cancel_symbol_(library, "dcc_dispatcher_read_stats", &api->dcc_dispatcher_read_stats);
    dcc_cancel_symbol_(library, "dcc_dispatcher_longest_label", &api->dcc_dispatcher_longest_label);
    dcc_cancel_symbol_(library, "dcc_session_create", &api->dcc_session_create);
    dcc_cancel_symbol_(library, "dcc_session_retain", &api->dcc_session_retain);
    dcc_cancel_symbol_(library, "dcc_session_release", &api->dcc_session_release);
    dcc_cancel_symbol_(library, "dcc_session_close", &api->dcc_session_close);
    dcc_cancel_symbol_(library, "dcc_session_cancel", &api->dcc_session_cancel);
    dcc_cancel_symbol_(library, "dcc_session_query", &api->dcc_session_query);
    dcc_cancel_symbol_(library, "dcc_session_reason", &api->dcc_session_reason);
    dcc_cancel_symbol_(library, "dcc_session_clear", &api->dcc_session_clear);
    dcc_cancel_symbol_(library, "dcc_session_sweep", &api->dcc_session_sweep);
    dcc_cancel_symbol_(library, "dcc_session_handle_message", &api->dcc_session_handle_message);
    dcc_cancel_symbol_(library, "dcc_session_read_stats", &api->dcc_session_read_stats);
    dcc_cancel_symbol_(library, "dcc_request_begin", &api->dcc_request_begin);
    dcc_cancel_symbol_(library, "dcc_request_retain", &api->dcc_request_retain);
    dcc_cancel_symbol_(library, "dcc_request_release", &api->dcc_request_release);
    dcc_cancel_symbol_(library, "dcc_request_token", &api->dcc_request_token);
    dcc_cancel_symbol_(library, "dcc_request_cancel", &api->dcc_request_cancel);
    dcc_cancel_symbol_(library, "dcc_request_end", &api->dcc_request_end);
    dcc_cancel_symbol_(library, "dcc_request_write_cancelled", &api->dcc_request_write_cancelled);
    dcc_cancel_symbol_(library, "dcc_request_set_progress", &api->dcc_request_set_progress);
    dcc_cancel_symbol_(library, "dcc_request_set_progress_of_job",
        &api->dcc_request_set_progress_of_job);
    dcc_cancel_symbol_(library, "dcc_request_write_progress", &api->dcc_request_write_progress);
    dcc_cancel_symbol_(library, "dcc_request_seal", &api->dcc_request_seal);
    dcc_cancel_symbol_(library, "dcc_events_create", &api->dcc_events_create);
    dcc_cancel_symbol_(library, "dcc_events_drain", &api->dcc_events_drain);
    dcc_cancel_symbol_(library, "dcc_events_retain", &api->dcc_events_retain);
    dcc_cancel_symbol_(library, "dcc_events_release", &api->dcc_events_release);
    dcc_cancel_symbol_(library, "dcc_events_set_slow_cancel_threshold",
        &api->dcc_events_set_slow_cancel_threshold);
    dcc_cancel_symbol_(library, "dcc_cancel_token_trace_parent",
        &api->dcc_cancel_token_trace_parent);
    dcc_cancel_symbol_(library, "dcc_events_next", &api->dcc_events_next);
    dcc_cancel_symbol_(library, "dcc_job_trace", &api->dcc_job_trace);
    dcc_cancel_symbol_(library, "dcc_trace_all", &api->dcc_trace_all);
    dcc_cancel_symbol_(library, "dcc_job_poll_gap", &api->dcc_job_poll_gap);
    dcc_cancel_symbol_(library, "dcc_job_threads", &api->dcc_job_threads);
    dcc_cancel_symbol_(library, "dcc_stats_live_jobs", &api->dcc_stats_live_jobs);
    dcc_cancel_symbol_(library, "dcc_stats_jobs_page", &api->dcc_stats_jobs_page);
    dcc_cancel_symbol_(library, "dcc_stats_read", &api->dcc_stats_read);
    dcc_cancel_symbol_(library, "dcc_stats_polls_without_job", &api->dcc_stats_polls_without_job);
    dcc_cancel_symbol_(library, "dcc_stats_latency", &api->dcc_stats_latency);
    dcc_cancel_symbol_(library, "dcc_timeline_begin", &api->dcc_timeline_begin);
    dcc_cancel_symbol_(library, "dcc_timeline_end", &api->dcc_timeline_end);
    dcc_cancel_symbol_(library, "dcc_timeline_write", &api->dcc_timeline_write);
    dcc_cancel_symbol_(library, "dcc_control_open", &api->dcc_control_open);
    dcc_cancel_symbol_(library, "dcc_control_close", &api->dcc_control_close);
    dcc_cancel_symbol_(library, "dcc_control_address", &api->dcc_control_address);
    dcc_cancel_symbol_(library, "dcc_shutdown", &api->dcc_shutdown);
    dcc_cancel_symbol_(library, "dcc_abi_version", &api->dcc_abi_version);
    dcc_cancel_symbol_(library, "dcc_version_string", &api->dcc_version_string);
    dcc_cancel_symbol_(library, "dcc_clock_now_ns", &api->dcc_clock_now_ns);
    dcc_cancel_symbol_(library, "dcc_instance_check", &api->dcc_instance_check);
    dcc_cancel_symbol_(library, "dcc_poll_read_current", &api->dcc_poll_read_current);
    dcc_cancel_symbol_(library, "dcc_poll_read_current_at", &api->dcc_poll_read_current_at);
    dcc_cancel_symbol_(library, "dcc_poll_read_token", &api->dcc_poll_read_token);
    dcc_cancel_symbol_(library, "dcc_poll_slow", &api->dcc_poll_slow);
    dcc_cancel_symbol_(library, "dcc_job_set_progress_at", &api->dcc_job_set_progress_at);
    dcc_cancel_symbol_(library, "dcc_progress_add_at", &api->dcc_progress_add_at);
    dcc_cancel_symbol_(library, "dcc_progress_read_counter", &api->dcc_progress_read_counter);
}

dcc_status dcc_cancel_load(const char *path, char *error, size_t error_size)
{
    char none[1];
    void *library;
    dcc_cancel_api *api;
    uint32_t version;
    if (error == NULL || error_size == 0) {
        error = none;
        error_size = sizeof none;
    }
    error[0] = '\0';
    if (dcc_cancel_api_now() != NULL)
        return DCC_OK;
    library = dcc_cancel_instance_(path, error, error_size);
    if (library == NULL)
        return DCC_NOT_FOUND;
    api = (dcc_cancel_api *)calloc(1, sizeof *api);
    if (api == NULL) {
        snprintf(error, error_size, "no memory for the table of functions");
        return DCC_ERROR_RESOURCES;
    }
    dcc_cancel_fill_(api, library);
    version = api->dcc_abi_version != NULL ? api->dcc_abi_version() : 0;
    if (version >> 16 != DCC_ABI_MAJOR) {
        snprintf(error, error_size, "the library in this process has ABI %u.%u; %u is needed",
                 (unsigned)(version >> 16), (unsigned)(version & 0xffff),
                 (unsigned)DCC_ABI_MAJOR);
        free(api);
        return DCC_ERROR_UNSUPPORTED;
    }
    {
#if defined(_MSC_VER) && !defined(__clang__)
        if (InterlockedCompareExchangePointer((void *volatile *)&dcc_cancel_loaded_api, api, NULL) !=
            NULL)
            free(api);
#else
        const dcc_cancel_api *expected = NULL;
        if (!__atomic_compare_exchange_n(&dcc_cancel_loaded_api, &expected, api, 0,
                                         __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            free(api);
#endif
    }
    return DCC_OK;
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* DCC_CANCEL_DL_IMPLEMENTATION */
