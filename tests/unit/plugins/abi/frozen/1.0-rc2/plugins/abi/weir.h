/* clang-format off */
/* The door through which everything around Weir's core comes: one C header, no library to link.
 *
 * A plugin is a shared object that exports one data symbol, `weir_plugin`, of type weir_plugin_descriptor. The host reads it
 * before it runs any of the plugin's code. Everything a plugin needs from the host comes through tables of functions that the
 * host hands over; a plugin imports no symbol of the host.
 *
 * Rules that hold for every call, both ways:
 *  - Tables and structs that may grow start with struct_size and grow only at their end. A reader uses a member only when
 *    struct_size says that it is there (WEIR_HAS). Initialise them by member names, or by assignment after zeroing: a list of
 *    values in order stops to compile without warnings when a newer header has more members.
 *  - A weir_view is (pointer, length), not NUL-terminated; {NULL, 0} is legal. A view that the host returns is valid until the
 *    hook returns or until the next call that changes the same message, whichever comes first. A view that a plugin passes is
 *    read or copied before the call returns.
 *  - Each side frees what it allocated.
 *  - Config hooks run on the main thread. All other hooks of a connection or stream run on the worker that owns it, and so
 *    must the calls they make. "Any thread" stands where a call may come from elsewhere.
 *  - `self` is state_size bytes, zeroed and aligned to 16; where state_size is 0 it is the config, and `destroy` is not called.
 *    `create` that fails is not followed by `destroy`: it gives back what it took.
 *  - A weir_stream or weir_connection that a filter was created with may be used by that filter on its worker until `destroy`,
 *    inside its hooks and between them (from a timer, a posted hook or a call-out); what an ended one cannot do any more answers
 *    WEIR_REFUSED. `destroy` is for giving back: it frees timers, cancels call-outs and drops memory, and makes no call that
 *    takes the stream or connection.
 *  - Nothing re-enters: local_reply, reset, resume and close asked for inside a hook take effect when the hook has returned.
 *  - A hook that is NULL costs nothing: the host skips it when it builds the chain.
 *  - Fail closed: a negative status from a hook, or a NULL object from create, becomes a 500 (HTTP filter) or a close (network
 *    filter, codec), with a counter that carries the plugin's name. A request never skips a filter because the filter failed.
 *  - No exception may leave a plugin.
 */
#ifndef WEIR_ABI_H_
#define WEIR_ABI_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_ABI_MAGIC 0x52494557u /* "WEIR" in memory order */
/* 1.0 is a release candidate: plugins/abi/CHANGELOG.md says what may still change, and what changed between candidates. */
#define WEIR_ABI_MAJOR 1u
#define WEIR_ABI_CANDIDATE 2u /* 0 once 1.0 is frozen */
/* As it stands in a descriptor: the low byte is the minor version, the high one the candidate. A host takes a plugin that was
 * built for the same candidate, or, once it is no candidate itself, for no candidate. */
#define WEIR_ABI_MINOR ((WEIR_ABI_CANDIDATE << 8) | 0u)

#define WEIR_HAS(table, member) \
  ((table)->struct_size >= offsetof(__typeof__(*(table)), member) + sizeof((table)->member))

typedef struct weir_view {
  const char* data;
  size_t size;
} weir_view;

typedef struct weir_stream weir_stream; /* what one codec, filter or logger sees of one stream */

/* Stands for a stream in places that may outlive it: another thread, a late resume. On a stream that has ended it does nothing. */
typedef struct weir_ticket {
  uint64_t value[2];
} weir_ticket;

/* `user` is what the plugin gave with the hook. */
typedef void (*weir_hook)(void* user);
typedef void (*weir_stream_hook)(void* user, weir_stream* stream);

/* ---- The message: the one HTTP form that codecs make and take and filters edit -------------------------------------------- */

/* One header field. Names are lower case. Plain data; an array of these crosses the door once per message. */
typedef struct weir_field {
  const char* name;
  const char* value;
  uint32_t value_size;
  uint16_t name_size;
  uint16_t token;    /* WEIR_TOKEN_* (plugins/abi/tokens.h), 0 for a name that is not in the table; a codec that does not know
                        says WEIR_TOKEN_UNSET and the host looks it up */
  uint16_t flags;    /* WEIR_FIELD_* */
  uint8_t raw_form;  /* not 0: the bytes [name, value + value_size + raw_tail) are one line in the form of the codec plugin
                        whose params.raw_form this is; a codec may copy runs of such lines whole. Editing sets it to 0. */
  uint8_t raw_tail;
  uint32_t reserved; /* 0 */
} weir_field;

enum {
  WEIR_FIELD_NEVER_INDEX = 1u << 0, /* RFC 7541 section 7.1.3 */
  WEIR_FIELD_FROM_PEER = 1u << 1,
  WEIR_FIELD_REMOVED = 1u << 2 /* a tombstone: skip it; indices stay valid during a hook */
};

enum {
  WEIR_HEAD_REQUEST = 1,
  WEIR_HEAD_INTERIM = 2,  /* a 1xx other than 101; any number before the final response */
  WEIR_HEAD_RESPONSE = 3, /* the final response */
  WEIR_HEAD_TRAILERS = 4  /* fields only; ends the stream's half */
};

enum {
  WEIR_HEAD_HAS_LENGTH = 1u << 0,      /* content_length is set: the body, or for HEAD and 304 the announced length */
  WEIR_HEAD_TE_TRAILERS = 1u << 1,     /* the request said `te: trailers` */
  WEIR_HEAD_EXPECT_CONTINUE = 1u << 2, /* the request said `expect: 100-continue` */
  WEIR_HEAD_TUNNEL = 1u << 3,          /* request: asks for a tunnel (protocol is set, or method is CONNECT);
                                          response: the tunnel is open, everything after is bytes both ways */
  WEIR_HEAD_CLOSE = 1u << 4,           /* to a writing codec: this is the connection's last stream, say so */
  WEIR_HEAD_NO_BODY = 1u << 5          /* response to HEAD, or 204/304: no body follows whatever content_length says */
};

/* Framing is values, never fields: content-length, transfer-encoding, connection, keep-alive, proxy-connection, upgrade, te,
 * expect (100-continue) and host never stand in `fields`. The parsing codec turns them into the values below, the writing codec
 * writes them from the values. */
typedef struct weir_head {
  uint32_t struct_size;
  uint8_t kind;         /* WEIR_HEAD_* kind */
  uint8_t http_version; /* as received: 10, 11, 20; 0 when made by the host */
  uint16_t status;      /* responses: 100..599 */
  uint32_t flags;       /* WEIR_HEAD_* flags */
  uint32_t field_count;
  weir_field* fields; /* a parsing codec fills all but flags; the host checks the bytes */
  uint64_t content_length;
  weir_view method;
  weir_view scheme;    /* "http" or "https"; empty: that of the transport */
  weir_view authority; /* host or :authority, absolute-form wins */
  weir_view path;      /* origin-form with query, or "*"; empty for CONNECT */
  weir_view protocol;  /* tunnels: "websocket", ... ; empty for a plain CONNECT */
  uint32_t group;      /* fairness group: the downstream connection, on heads sent towards a backend */
  uint32_t reserved;
  /* The bytes in which most of the views above and in `fields` lie (H1: the whole head as received), so that the host can move
   * them in one copy. Views outside of it are copied one by one; {NULL, 0}: all of them are. */
  weir_view block;
} weir_head;

/* ---- Errors ---------------------------------------------------------------------------------------------------------------- */

enum {
  WEIR_OK = 0,
  WEIR_ERROR = -1,        /* the call failed; nothing was changed */
  WEIR_REFUSED = -2,      /* not allowed here: a framing field, a bad byte, a closed stream */
  WEIR_NO_ROOM = -3       /* a limit is reached */
};

/* Why a stream or connection ended early. */
enum {
  WEIR_REASON_NONE = 0,
  WEIR_REASON_LOCAL_RESET = 1,
  WEIR_REASON_REMOTE_RESET = 2,
  WEIR_REASON_REFUSED = 3,    /* the peer says that it did not process the stream: safe to replay */
  WEIR_REASON_PROTOCOL = 4,   /* the peer broke the protocol */
  WEIR_REASON_TRUNCATED = 5,  /* the peer went away inside a message */
  WEIR_REASON_CLOSED = 6,     /* the connection ended before the message began */
  WEIR_REASON_TIMEOUT = 7,
  WEIR_REASON_OVERFLOW = 8,   /* a limit of ours */
  WEIR_REASON_CANCEL = 9,
  WEIR_REASON_INTERNAL = 10,
  WEIR_REASON_NO_ERROR = 11   /* a complete answer came, the rest of the request is not wanted */
};

enum { WEIR_SCOPE_STREAM = 1, WEIR_SCOPE_CONNECTION = 2 };

typedef struct weir_error {
  uint16_t reason; /* WEIR_REASON_* */
  uint16_t scope;  /* WEIR_SCOPE_* */
  uint16_t status; /* server position: answer with this status before the end (400, 413, 414, 431, 501, 505 ...); 0: just end */
  uint16_t reserved;
  uint64_t offset; /* bytes since the start of the message where the fault is */
  const char* detail; /* static text for the log and RESPONSE_CODE_DETAILS, as "http1.codec_error" */
} weir_error;

/* ---- Config nodes ---------------------------------------------------------------------------------------------------------- */

typedef struct weir_node weir_node; /* a node of the configuration; valid during config_new only */

enum { WEIR_NODE_NULL = 0, WEIR_NODE_SCALAR = 1, WEIR_NODE_LIST = 2, WEIR_NODE_MAP = 3 };

/* A key of a map that nobody looked up is reported as unknown, with its line and column, when config_new has returned. A
 * failed read reports what was expected at the node's line and column; the plugin then just returns NULL. */
typedef struct weir_config_api {
  uint32_t struct_size;
  uint32_t reserved;
  uint32_t (*kind)(const weir_node* node);
  const weir_node* (*get)(const weir_node* map, weir_view key); /* NULL when absent */
  size_t (*count)(const weir_node* node);                       /* entries of a list or a map */
  const weir_node* (*at)(const weir_node* node, size_t index);  /* list entry, or value of a map's entry in file order */
  weir_view (*key_at)(const weir_node* map, size_t index);      /* marks the key as read */
  /* Readers: WEIR_OK and *out, or WEIR_ERROR after a report. Views live as long as the configuration. */
  int32_t (*string)(const weir_node* node, weir_view* out);
  int32_t (*integer)(const weir_node* node, int64_t min, int64_t max, int64_t* out);
  int32_t (*number)(const weir_node* node, double* out);
  int32_t (*boolean)(const weir_node* node, uint32_t* out);
  int32_t (*duration_ms)(const weir_node* node, int64_t* out);
  void (*error)(const weir_node* node, weir_view message); /* reports at the node */
} weir_config_api;

/* ---- What the host offers to every plugin ---------------------------------------------------------------------------------- */

enum { WEIR_LOG_TRACE, WEIR_LOG_DEBUG, WEIR_LOG_INFO, WEIR_LOG_WARN, WEIR_LOG_ERROR };

#define WEIR_NO_WORKER 0xffffffffu
#define WEIR_TIMER_OFF UINT64_MAX

typedef struct weir_timer weir_timer;
typedef struct weir_callout_api weir_callout_api;

typedef struct weir_host {
  uint32_t struct_size;
  uint32_t abi_minor; /* WEIR_ABI_MINOR of the host */
  const weir_config_api* config;
  void (*log)(uint32_t level, weir_view plugin, weir_view message); /* any thread */
  uint32_t (*counter)(weir_view name);          /* config time only: defines `plugin.<name>`; returns its id, 0 on failure */
  void (*count)(uint32_t id, uint64_t add);     /* worker threads; id 0 does nothing, here and below */
  void (*random)(uint8_t* out, size_t size);    /* cryptographic; any thread */
  void (*sha1)(const uint8_t* in, size_t size, uint8_t out[20]);   /* any thread */
  void (*sha256)(const uint8_t* in, size_t size, uint8_t out[32]); /* any thread */
  uint32_t (*log_enabled)(uint32_t level);      /* any thread; 1 when a line of this level would be written */
  uint32_t (*gauge)(weir_view name);            /* as counter */
  void (*gauge_add)(uint32_t id, int64_t add);  /* worker threads; what one worker adds another may take away */
  uint32_t (*histogram)(weir_view name);        /* as counter */
  void (*record)(uint32_t id, uint64_t value);  /* worker threads; times in milliseconds unless the name says otherwise */

  uint64_t (*now_ms)(void);   /* worker threads: the steady clock of this turn */
  int64_t (*unix_ms)(void);   /* any thread: since 1970-01-01 UTC */
  uint32_t (*workers)(void);  /* how many there are; they are numbered from 0 */
  uint32_t (*worker)(void);   /* the calling thread's number, WEIR_NO_WORKER on other threads */
  uint32_t (*validating)(void); /* 1: the configuration is only looked at (`weir validate`); start nothing */

  /* Timers belong to the worker that made them and fire there, between the hooks of streams. timer_set arms or arms anew;
   * WEIR_TIMER_OFF disarms. Free each one, on its worker, at the latest in worker_stop; a freed timer does not fire any more.
   * timer_new: NULL when the caller is no worker. */
  weir_timer* (*timer_new)(weir_hook hook, void* user);
  void (*timer_set)(weir_timer* timer, uint64_t after_ms);
  void (*timer_free)(weir_timer* timer);

  /* Any thread. The hook runs exactly once, on the ticket's worker and never inside of the call, with the stream, or with NULL when
   * that has ended: so `user` can be freed there. The ticket of a network filter gives its weir_connection, cast. WEIR_REFUSED (a ticket of nothing, a worker that stops) or WEIR_NO_ROOM
   * (65,536 wait): the hook does not run. */
  int32_t (*post)(weir_ticket ticket, weir_stream_hook hook, void* user);
  int32_t (*post_worker)(uint32_t worker, weir_hook hook, void* user);
  /* Worker threads. Runs `work` on one of the host's helper threads and then `done` as post does. WEIR_NO_ROOM: 1,024 wait. */
  int32_t (*offload)(weir_hook work, weir_ticket ticket, weir_stream_hook done, void* user);

  /* Bytes that all workers share, by name and key; any thread. Lost with the process. A store comes to be with its first key; name
   * and key: 1 to 256 bytes, a value at most 65,536; all stores together hold 65,536 keys and 64 MiB, beyond that WEIR_NO_ROOM.
   * ttl_ms 0: until it is removed.
   * kv_get copies up to `room` bytes and returns the value's whole size, WEIR_ERROR when there is none. kv_add reads a value
   * as a signed 64-bit number in this machine's byte order (a missing one as 0), adds and returns the result in *sum (may be NULL);
   * WEIR_ERROR when the value is not of 8 bytes or the sum does not fit; the time to live is set when the key is made.
   * kv_remove: WEIR_ERROR when there was none. Names or values over their bound: WEIR_REFUSED. Each call is atomic. */
  int64_t (*kv_get)(weir_view store, weir_view key, char* out, size_t room);
  int32_t (*kv_set)(weir_view store, weir_view key, weir_view value, uint64_t ttl_ms);
  int32_t (*kv_add)(weir_view store, weir_view key, int64_t add, uint64_t ttl_ms, int64_t* sum);
  int32_t (*kv_remove)(weir_view store, weir_view key);

  const weir_callout_api* callout;
} weir_host;

/* ---- HTTP call-outs -------------------------------------------------------------------------------------------------------- */

typedef struct weir_callout weir_callout; /* one request of a plugin to a cluster, and its answer */

enum { WEIR_CALLOUT_STREAM_BODY = 1u << 0 /* `send` brings the body; without it `body` is all of it */ };

typedef struct weir_callout_request {
  uint32_t struct_size;
  uint32_t flags;          /* WEIR_CALLOUT_* */
  weir_view cluster;
  weir_view method;        /* empty: GET */
  weir_view scheme;        /* empty: that of the cluster's transport */
  weir_view authority;     /* empty: the cluster's name */
  weir_view path;          /* begins with '/'; an empty one is refused */
  const weir_field* fields; /* name, name_size, value and value_size are read; framing names are refused */
  uint32_t field_count;    /* at most 100 */
  uint32_t timeout_ms;     /* for all of it; 0: 15,000 */
  weir_view body;          /* copied; at most 16 MiB */
  uint64_t max_body_bytes; /* of the answer; 0: 1 MiB. More of it ends the call-out with WEIR_REASON_OVERFLOW. */
} weir_callout_request;

/* Run on the worker that started the call-out, never inside of `start`, `send` or `cancel`. NULL: not wanted. `start` copies this
 * table; heads and bytes that a hook is shown are valid until it returns. */
typedef struct weir_callout_hooks {
  uint32_t struct_size;
  uint32_t reserved;
  void (*head)(void* user, const weir_head* head, uint32_t end);     /* the final response */
  void (*data)(void* user, weir_view data, uint32_t end);            /* a piece */
  void (*trailers)(void* user, const weir_head* trailers);
  /* The last hook, exactly once: WEIR_REASON_NONE after a whole answer, else why there is none or no rest of it (TIMEOUT, REFUSED:
   * no host could be reached, ...). The call-out is gone when it returns. Does not come after cancel. */
  void (*complete)(void* user, uint32_t reason);
} weir_callout_hooks;

struct weir_callout_api {
  uint32_t struct_size;
  uint32_t reserved;
  /* Worker threads; everything is copied. NULL: no such cluster, a bad field, or more than 1,024 call-outs of this worker. */
  weir_callout* (*start)(const weir_callout_request* request, const weir_callout_hooks* hooks, void* user);
  /* A piece of the body, at most 1 MiB; `end` after the last one. WEIR_NO_ROOM: 1 MiB waits already; try again later. */
  int32_t (*send)(weir_callout* callout, weir_view data, uint32_t end);
  /* Ends it; no hook comes any more. A filter cancels what it started in `destroy` at the latest. */
  void (*cancel)(weir_callout* callout);
};

#include "plugins/abi/weir_codec.h" /* a protocol's two halves: weir_codec_api and what goes with it */

/* ---- HTTP filters ---------------------------------------------------------------------------------------------------------- */

/* Which message of a stream a call is about. */
enum { WEIR_REQUEST = 0, WEIR_RESPONSE = 1, WEIR_REQUEST_TRAILERS = 2, WEIR_RESPONSE_TRAILERS = 3 };

/* What a hook answers; Envoy's meanings. A negative value is a failure: see "fail closed". */
enum {
  WEIR_CONTINUE = 0,
  WEIR_STOP = 1,           /* headers, trailers: later filters do not see them yet; this one still sees the body.
                              data: the body so far is kept and shown again, whole, with what comes next; over the stream's
                              buffer limit: 413 for a request, 500 for a response (StopIterationAndBuffer) */
  WEIR_STOP_WATERMARK = 2, /* data: as STOP, but over the limit the sender is paused in place of a failure */
  WEIR_STOP_ALL = 3,       /* headers: nothing more of this message, to anybody, until resume; limit as STOP */
  WEIR_STOP_ALL_WATERMARK = 4
};

/* What is known of a stream or a connection. Where it is not known (yet) the call answers WEIR_ERROR. C: a connection has it too
 * (network and listener filters); L: a listener filter can set it. Enumerators are only added. */
enum {
  WEIR_ATTR_DOWNSTREAM_ADDRESS = 1, /* C L "127.0.0.1:4711", the client after use_remote_address rules */
  WEIR_ATTR_DIRECT_ADDRESS = 2,     /* C the socket's peer */
  WEIR_ATTR_LOCAL_ADDRESS = 3,      /* C L */
  WEIR_ATTR_ROUTE = 4,
  WEIR_ATTR_CLUSTER = 5,
  WEIR_ATTR_PROTOCOL = 6,           /* "HTTP/1.1" */
  WEIR_ATTR_RESPONSE_CODE_DETAILS = 7,
  WEIR_ATTR_VIRTUAL_HOST = 8,
  WEIR_ATTR_LISTENER = 9,           /* C its name */
  WEIR_ATTR_FILTER_CHAIN = 10,      /* C its name */
  WEIR_ATTR_UPSTREAM_ADDRESS = 11,
  WEIR_ATTR_UPSTREAM_LOCAL_ADDRESS = 12,
  WEIR_ATTR_UPSTREAM_PROTOCOL = 13,
  WEIR_ATTR_UPSTREAM_FAILURE = 14,  /* why the transport to the backend failed, in words */
  WEIR_ATTR_RESPONSE_FLAGS = 15,    /* "UF,URX"; "-" for none */
  WEIR_ATTR_ORIGINAL_PATH = 16,     /* as the client sent it, when a route or filter changed it */
  WEIR_ATTR_LOCAL_REPLY_BODY = 17,
  WEIR_ATTR_REQUESTED_SERVER_NAME = 20, /* C L TLS, from here to 31: SNI */
  WEIR_ATTR_ALPN = 21,              /* C L */
  WEIR_ATTR_TLS_VERSION = 22,       /* C "TLSv1.3" */
  WEIR_ATTR_TLS_CIPHER = 23,        /* C "TLS_AES_128_GCM_SHA256" */
  WEIR_ATTR_PEER_SUBJECT = 24,      /* C of a client certificate that was verified: RFC 2253 */
  WEIR_ATTR_PEER_DNS_SAN = 25,      /* C all of them, separated by commas */
  WEIR_ATTR_PEER_URI_SAN = 26,      /* C the same */
  WEIR_ATTR_PEER_SERIAL = 27,       /* C lower case hex */
  WEIR_ATTR_PEER_FINGERPRINT_256 = 28, /* C SHA-256 of the certificate, lower case hex */
  WEIR_ATTR_TLS_SESSION_ID = 29     /* C lower case hex */
};

/* The same as numbers. */
enum {
  WEIR_NUMBER_RESPONSE_CODE = 1,      /* 0: none was sent */
  WEIR_NUMBER_BYTES_RECEIVED = 2,     /* C bodies */
  WEIR_NUMBER_BYTES_SENT = 3,         /* C */
  WEIR_NUMBER_START_UNIX_US = 4,      /* C since 1970-01-01 UTC, microseconds */
  /* Microseconds since the start, WEIR_ERROR as long as it has not happened: */
  WEIR_NUMBER_REQUEST_END_US = 5,     /* the last byte of the request came */
  WEIR_NUMBER_UPSTREAM_START_US = 6,  /* the first byte of the request went to a backend */
  WEIR_NUMBER_UPSTREAM_END_US = 7,    /* the last one */
  WEIR_NUMBER_RESPONSE_START_US = 8,  /* the head of the answer came from the backend */
  WEIR_NUMBER_RESPONSE_END_US = 9,    /* its end */
  WEIR_NUMBER_END_US = 10,            /* C over: all was sent, or it was given up */
  WEIR_NUMBER_ATTEMPTS = 11,          /* how often it was sent to a backend */
  WEIR_NUMBER_CONNECTION_ID = 12,     /* C never used again in this process */
  WEIR_NUMBER_STREAM_ID = 13,         /* the same */
  WEIR_NUMBER_DOWNSTREAM_PORT = 14,   /* C */
  WEIR_NUMBER_LOCAL_PORT = 15,        /* C */
  WEIR_NUMBER_SECURE = 16,            /* C 1: the client's connection is TLS */
  WEIR_NUMBER_PEER_VERIFIED = 17,     /* C 1: with a client certificate that was verified */
  WEIR_NUMBER_LOCAL_REPLY = 18        /* 1: the proxy itself answered */
};

typedef struct weir_http_api {
  uint32_t struct_size;
  uint32_t reserved;
  /* Fields. By token where it is known, else by name (lower case). A value may stand in several fields: index counts them.
   * Framing names give a read-only view. */
  uint32_t (*field_count)(weir_stream* stream, uint32_t which);
  int32_t (*field_at)(weir_stream* stream, uint32_t which, uint32_t index, weir_view* name, weir_view* value);
  int32_t (*get)(weir_stream* stream, uint32_t which, weir_view name, uint32_t index, weir_view* value);
  int32_t (*get_token)(weir_stream* stream, uint32_t which, uint32_t token, uint32_t index, weir_view* value);
  /* Writers copy. WEIR_REFUSED for framing names, pseudo names, bad bytes, or a message that has gone by. */
  int32_t (*set)(weir_stream* stream, uint32_t which, weir_view name, weir_view value);
  int32_t (*add)(weir_stream* stream, uint32_t which, weir_view name, weir_view value);
  int32_t (*remove)(weir_stream* stream, uint32_t which, weir_view name); /* how many were removed */
  /* Start line: the names are ":method", ":path", ":authority", ":scheme", ":protocol". */
  int32_t (*get_start)(weir_stream* stream, weir_view name, weir_view* value);
  /* :path and :authority. A path goes by the rules for one that is received: it is normalised, and WEIR_REFUSED where a received
   * one would be answered with 400 or a redirect. The route is kept: its cluster gets the new path, and where it rewrites a
   * prefix, a path without that prefix is answered with 400. */
  int32_t (*set_start)(weir_stream* stream, weir_view name, weir_view value);
  uint32_t (*status)(weir_stream* stream);
  int32_t (*set_status)(weir_stream* stream, uint32_t status);
  /* The body that has arrived and not gone by this filter: one coherent view, the present chunk included. */
  uint64_t (*body_size)(weir_stream* stream, uint32_t which);
  weir_view (*body_piece)(weir_stream* stream, uint32_t which, uint64_t offset); /* contiguous bytes at offset; empty at the end */
  int32_t (*body_drain)(weir_stream* stream, uint32_t which, uint64_t size);     /* from the front */
  int32_t (*body_append)(weir_stream* stream, uint32_t which, weir_view data);
  int32_t (*body_length)(weir_stream* stream, uint32_t which, uint64_t length); /* sets the announced length */
  /* Answers in place of the backend. status: 200 to 599; a body of at most 1 MiB and 64 fields in `extra`, else WEIR_NO_ROOM and
   * nothing is answered. Where the answer's head has gone to the client already the stream is reset. Later calls on the same
   * stream do nothing. */
  int32_t (*local_reply)(weir_stream* stream, uint32_t status, weir_view body, const weir_field* extra, uint32_t extra_count,
                         weir_view details);
  int32_t (*reset)(weir_stream* stream);
  weir_ticket (*ticket)(weir_stream* stream);
  int32_t (*resume)(weir_ticket ticket, uint32_t which); /* owning worker; WEIR_REQUEST or WEIR_RESPONSE */
  void* (*route_config)(weir_stream* stream); /* what config_new made of the route's typed_per_filter_config; NULL: none */
  int32_t (*attribute)(weir_stream* stream, uint32_t id, weir_view* value);  /* WEIR_ATTR_* */
  int32_t (*number)(weir_stream* stream, uint32_t id, int64_t* value);       /* WEIR_NUMBER_* */
  /* Notes from filter to filter and to the log (%DYNAMIC_METADATA(space:key)%). Reading falls back to what listener filters noted
   * of the connection. At most 64 notes a stream, 256 bytes of names and 4,096 of value each: WEIR_NO_ROOM. set_metadata ends the
   * life of a view that metadata gave of the same note. */
  int32_t (*metadata)(weir_stream* stream, weir_view space, weir_view key, weir_view* value);
  int32_t (*set_metadata)(weir_stream* stream, weir_view space, weir_view key, weir_view value);
  /* Adds one of Envoy's response flags, as "UAEX", "RL", "DI"; WEIR_REFUSED: there is none of that name. */
  int32_t (*set_flag)(weir_stream* stream, weir_view flag);
  /* How much of a body this filter may withhold before STOP fails or STOP_WATERMARK pauses; at the start the connection manager's
   * limit. WEIR_NO_ROOM over 1 GiB. */
  int32_t (*set_buffer_limit)(weir_stream* stream, uint32_t which, uint64_t bytes);
  /* Finds the route anew after request fields were changed; in request_headers, or as long as this filter withholds the
   * headers. WEIR_ERROR: no route matches now (the request is answered 404 when it goes on). Filters keep what they are; their
   * route_config becomes the new route's. */
  int32_t (*refresh_route)(weir_stream* stream);
  /* Between the hooks of a body: passes bytes to the later filters now, ahead of what this filter withholds of it. WEIR_REFUSED
   * before the headers went on and after the end; WEIR_NO_ROOM when what is ahead holds a buffer limit of bytes. */
  int32_t (*inject)(weir_stream* stream, uint32_t which, weir_view data);
  /* In the data hook that shows the end, or as long as the end is withheld: makes trailers where the message has none, for `add`.
   * which: WEIR_REQUEST_TRAILERS or WEIR_RESPONSE_TRAILERS. */
  int32_t (*add_trailers)(weir_stream* stream, uint32_t which);
} weir_http_api;

enum {
  WEIR_FILTER_CHANGES_REQUEST_LENGTH = 1u << 0, /* the host clears the announced length before the head moves on */
  WEIR_FILTER_CHANGES_RESPONSE_LENGTH = 1u << 1
};

/* One HTTP filter. `self` lies in the stream's arena. */
typedef struct weir_http_filter_api {
  uint32_t struct_size;
  uint32_t flags;
  uint32_t state_size; /* at most 1024 */
  uint32_t reserved;
  /* node may be NULL. per_route is 1 for an entry of typed_per_filter_config. NULL refuses: report through host->config. */
  void* (*config_new)(const weir_host* host, const weir_http_api* http, const weir_node* node, uint32_t per_route);
  void (*config_free)(void* config);
  /* All filters of a stream are made before the first of their hooks runs. A local reply or reset asked for here keeps the
   * request from all of them. */
  int32_t (*create)(void* self, void* config, weir_stream* stream);
  void (*destroy)(void* self); /* the last call; see the rules at the top */
  int32_t (*request_headers)(void* self, weir_stream* stream, uint32_t end_stream);
  int32_t (*request_data)(void* self, weir_stream* stream, uint32_t end_stream);
  int32_t (*request_trailers)(void* self, weir_stream* stream);
  int32_t (*response_interim)(void* self, weir_stream* stream);
  int32_t (*response_headers)(void* self, weir_stream* stream, uint32_t end_stream);
  int32_t (*response_data)(void* self, weir_stream* stream, uint32_t end_stream);
  int32_t (*response_trailers)(void* self, weir_stream* stream);
  void (*complete)(void* self, weir_stream* stream); /* before the access log; everything can still be read */
} weir_http_filter_api;

/* ---- Access loggers -------------------------------------------------------------------------------------------------------- */

typedef struct weir_sink weir_sink; /* a file that lines are appended to */

typedef struct weir_logger_api {
  uint32_t struct_size;
  uint32_t reserved;
  /* Reading alone: field_at, field_count, get, get_token, get_start, status, attribute, number, metadata. */
  const weir_http_api* http;
  /* config_new only. A path, "/dev/stdout" or "/dev/stderr"; opened anew on SIGUSR1. NULL after a report at the node: it cannot be
   * opened. The host owns it. */
  weir_sink* (*sink)(const weir_node* node, weir_view path);
  /* Worker threads. Appends whole lines of at most 65,000 bytes; copies, never blocks, and counts what it has no room for in
   * access_log.dropped. */
  int32_t (*write)(weir_sink* sink, weir_view line);
} weir_logger_api;

enum { WEIR_LOG_STREAM_END = 1 }; /* what a call of `log` is about; others may come: ignore what you do not know */

typedef struct weir_access_logger_api {
  uint32_t struct_size;
  uint32_t reserved;
  void* (*config_new)(const weir_host* host, const weir_logger_api* logger, const weir_node* node);
  void (*config_free)(void* config);
  /* A stream is over. From any worker, so the config is read only or guarded. A failure is counted. */
  int32_t (*log)(void* config, weir_stream* stream, uint32_t type);
} weir_access_logger_api;

/* ---- Network filters ------------------------------------------------------------------------------------------------------- */

typedef struct weir_connection weir_connection;

typedef struct weir_network_api {
  uint32_t struct_size;
  uint32_t reserved;
  /* The bytes received and not yet passed on or drained. */
  uint64_t (*data_size)(weir_connection* connection);
  weir_view (*data_piece)(weir_connection* connection, uint64_t offset);
  void (*drain)(weir_connection* connection, uint64_t size);
  int32_t (*write)(weir_connection* connection, weir_view data, uint32_t end_stream); /* copies; towards the client */
  /* Moves the first `size` received bytes to the output, without a copy where it pays. */
  int32_t (*write_received)(weir_connection* connection, uint64_t size);
  void (*close)(weir_connection* connection, uint32_t flush); /* flush 1: after the output is written; 0: reset */
  uint64_t (*write_pending)(weir_connection* connection);
  weir_ticket (*ticket)(weir_connection* connection);
  int32_t (*resume)(weir_ticket ticket); /* after WEIR_STOP: later filters get what is buffered */
  int32_t (*attribute)(weir_connection* connection, uint32_t id, weir_view* value); /* those of WEIR_ATTR_* that say C */
  int32_t (*number)(weir_connection* connection, uint32_t id, int64_t* value);
  /* What listener filters noted. */
  int32_t (*metadata)(weir_connection* connection, weir_view space, weir_view key, weir_view* value);
} weir_network_api;

enum { WEIR_NETWORK_TERMINAL = 1u << 0 }; /* must be the last of its chain; nothing passes it */

typedef struct weir_network_filter_api {
  uint32_t struct_size;
  uint32_t flags;
  uint32_t state_size; /* at most 1024; zeroed */
  uint32_t reserved;
  void* (*config_new)(const weir_host* host, const weir_network_api* network, const weir_node* node);
  void (*config_free)(void* config);
  int32_t (*create)(void* self, void* config, weir_connection* connection);
  void (*destroy)(void* self);
  int32_t (*new_connection)(void* self, weir_connection* connection);               /* WEIR_CONTINUE or WEIR_STOP */
  int32_t (*data)(void* self, weir_connection* connection, uint32_t end_stream);    /* WEIR_CONTINUE or WEIR_STOP */
  /* The output fell below its low mark after write_pending had passed the connection's buffer limit. */
  void (*writable)(void* self, weir_connection* connection);
  /* The proxy is going: finish what was begun and close. Whoever does not is cut off at the end of the drain time. */
  void (*drain)(void* self, weir_connection* connection);
} weir_network_filter_api;

/* ---- Listener filters ------------------------------------------------------------------------------------------------------ */

/* What a listener filter can do with a connection before its filter chain is made. */
typedef struct weir_listener_api {
  uint32_t struct_size;
  uint32_t reserved;
  /* Attributes that say C; one that says L can be set: addresses as "ip:port" or "[ip]:port". WEIR_REFUSED: not one of those, or
   * not of that form. */
  int32_t (*attribute)(weir_connection* connection, uint32_t id, weir_view* value);
  int32_t (*set_attribute)(weir_connection* connection, uint32_t id, weir_view value);
  /* For later filters and the log; bounds as in weir_http_api. */
  int32_t (*metadata)(weir_connection* connection, weir_view space, weir_view key, weir_view* value);
  int32_t (*set_metadata)(weir_connection* connection, weir_view space, weir_view key, weir_view value);
} weir_listener_api;

/* What `data` answers: WEIR_CONTINUE: this filter is done. WEIR_STOP: show me more. WEIR_CLOSE: close the connection, which is no
 * failure of the filter. */
enum { WEIR_CLOSE = 8 };

typedef struct weir_listener_filter_api {
  uint32_t struct_size;
  uint32_t flags;      /* 0 */
  uint32_t state_size; /* at most 1024; zeroed */
  /* How many of the connection's first bytes it may want to see: 1 to 65,536. It is shown what has come, up to that many; when it
   * has seen that many, or the peer has ended, and it still says WEIR_STOP, the connection is closed. 0: it wants none, and
   * `data` is NULL. */
  uint32_t max_read_bytes;
  void* (*config_new)(const weir_host* host, const weir_listener_api* listener, const weir_node* node);
  void (*config_free)(void* config);
  int32_t (*create)(void* self, void* config, weir_connection* connection); /* WEIR_OK, or WEIR_CLOSE */
  void (*destroy)(void* self);
  /* The first bytes, from the front, each time more of them have come. *taken: how many of them are this filter's alone and are
   * taken from the front of what later filters and the protocol see; counts with WEIR_CONTINUE. The listener's
   * listener_filters_timeout bounds the wait. */
  int32_t (*data)(void* self, weir_connection* connection, weir_view data, uint32_t end, size_t* taken);
} weir_listener_filter_api;

/* ---- The descriptor -------------------------------------------------------------------------------------------------------- */

enum {
  WEIR_KIND_CODEC = 1,
  WEIR_KIND_NETWORK_FILTER = 2,
  WEIR_KIND_HTTP_FILTER = 3,
  WEIR_KIND_LISTENER_FILTER = 4,
  WEIR_KIND_ACCESS_LOGGER = 5
};

typedef struct weir_extension {
  uint32_t kind; /* WEIR_KIND_* */
  uint32_t reserved;
  const char* name; /* as in the YAML, NUL-terminated: [a-z0-9_.]+ */
  const void* api;  /* the kind's table: weir_codec_api, weir_network_filter_api, ... */
} weir_extension;

typedef struct weir_plugin_descriptor {
  uint32_t magic; /* WEIR_ABI_MAGIC */
  uint16_t abi_major;
  uint16_t abi_minor; /* WEIR_ABI_MINOR */
  uint32_t struct_size;
  uint32_t extension_count;
  const char* name;
  const char* version;
  const weir_extension* extensions;
  /* Called once, on the main thread, before anything else of the plugin. WEIR_OK, or a failure with a NUL-terminated reason in
   * `error`. May be NULL. */
  int32_t (*init)(const weir_host* host, char* error, size_t error_size);
  /* On each worker's thread, before its first connection and after its last one; each may be NULL. */
  void (*worker_start)(uint32_t worker);
  void (*worker_stop)(uint32_t worker);
  /* On the main thread, when nothing else of the plugin will be called. May be NULL. */
  void (*fini)(void);
} weir_plugin_descriptor;

#define WEIR_PLUGIN_SYMBOL "weir_plugin"
#if defined(WEIR_STATIC_PLUGIN)
#define WEIR_PLUGIN(id) const weir_plugin_descriptor weir_plugin_##id
#else
#define WEIR_PLUGIN(id) __attribute__((visibility("default"))) const weir_plugin_descriptor weir_plugin
#endif

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* WEIR_ABI_H_ */
