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
 *  - A weir_stream that a filter was created with may be used by that filter on its worker until `destroy`, inside its hooks and
 *    between them (from a timer, a posted hook or a call-out); what an ended stream cannot do any more answers WEIR_REFUSED.
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
#define WEIR_ABI_MINOR 0u
#define WEIR_ABI_CANDIDATE 1u /* 0 once 1.0 is frozen */

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
  uint32_t abi_minor;
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
   * that has ended: so `user` can be freed there. WEIR_REFUSED (a ticket of nothing, a worker that stops) or WEIR_NO_ROOM
   * (65,536 wait): the hook does not run. */
  int32_t (*post)(weir_ticket ticket, weir_stream_hook hook, void* user);
  int32_t (*post_worker)(uint32_t worker, weir_hook hook, void* user);
  /* Worker threads. Runs `work` on one of the host's helper threads and then `done` as post does. WEIR_NO_ROOM: 1,024 wait. */
  int32_t (*offload)(weir_hook work, weir_ticket ticket, weir_stream_hook done, void* user);

  /* Bytes that all workers share, by name and key; any thread. Lost with the process. A store comes to be with its first key; name
   * and key: 1 to 256 bytes, a value at most 65,536; all stores together hold 65,536 keys and 64 MiB, beyond that WEIR_NO_ROOM.
   * ttl_ms 0: until it is removed.
   * kv_get copies up to `room` bytes and returns the value's whole size, WEIR_ERROR when there is none. kv_add reads a value
   * as a signed 64-bit number in this machine's byte order (a missing one as 0), adds and returns the result in *sum; the time to
   * live is set when the key is made. Each call is atomic. */
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
  weir_view path;
  const weir_field* fields; /* name, name_size, value and value_size are read; framing names are refused */
  uint32_t field_count;
  uint32_t timeout_ms;     /* for all of it; 0: 15,000 */
  weir_view body;          /* copied */
  uint64_t max_body_bytes; /* of the answer; 0: 1 MiB. More of it ends the call-out with WEIR_REASON_OVERFLOW. */
} weir_callout_request;

/* Run on the worker that started the call-out, never inside of `start`, `send` or `cancel`. NULL: not wanted. */
typedef struct weir_callout_hooks {
  uint32_t struct_size;
  uint32_t reserved;
  void (*head)(void* user, const weir_head* head, uint32_t end);     /* the final response */
  void (*data)(void* user, weir_view data, uint32_t end);            /* a piece; valid during the hook */
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
  /* A piece of the body; `end` after the last one. WEIR_NO_ROOM: 1 MiB waits already; try again later. */
  int32_t (*send)(weir_callout* callout, weir_view data, uint32_t end);
  /* Ends it; no hook comes any more. A filter cancels what it started in `destroy` at the latest. */
  void (*cancel)(weir_callout* callout);
};

/* ---- Codecs ---------------------------------------------------------------------------------------------------------------- */

typedef struct weir_codec weir_codec; /* the codec's state of one connection; its weir_stream is the host's half of a stream */

/* Where a codec writes. Small bytes are written at `at` as long as they fit before `limit`; for more room call
 * codec_host->out_room, which keeps what was written and makes at least `size` contiguous bytes (size <= 65536) available at
 * `at`. The codec advances `at` itself. */
typedef struct weir_out {
  uint8_t* at;
  uint8_t* limit;
} weir_out;

typedef struct weir_body_info {
  uint64_t available;  /* bytes that wait to be sent */
  uint8_t end;         /* nothing follows these bytes: the last of them ends the stream's half */
  uint8_t trailers;    /* trailers follow these bytes: get them with `trailers` */
  uint8_t reserved[6];
} weir_body_info;

/* What the host does for a codec while one of the codec's calls runs. */
typedef struct weir_codec_host {
  uint32_t struct_size;
  uint32_t reserved;
  void* (*alloc)(size_t size); /* connection state, charged to the worker; NULL when refused. Not for per-request use. */
  void (*free)(void* memory, size_t size);
  void (*out_room)(weir_out* out, size_t size);
  /* A codec that learns of an end with nothing available (and no trailers) ends the half in that same call; the host counts the
   * half as sent. With bytes available it ends it with the last of them, once take_body took them. */
  void (*body)(weir_stream* stream, weir_body_info* info);
  /* Moves exactly `size` bytes (at most info.available) of the stream's body to the output. */
  void (*take_body)(weir_stream* stream, weir_out* out, uint64_t size);
  const weir_head* (*trailers)(weir_stream* stream); /* once the body is taken; NULL when none */
} weir_codec_host;

enum { WEIR_SERVER = 1, WEIR_CLIENT = 2 };

typedef struct weir_codec_params {
  uint32_t struct_size;
  uint8_t position; /* WEIR_SERVER or WEIR_CLIENT */
  uint8_t raw_form; /* the number that this codec plugin puts into weir_field.raw_form; never 0 */
  uint8_t secure;   /* the transport is TLS */
  uint8_t reserved;
  const weir_host* host;
  const weir_codec_host* codec_host;
  void* config; /* what config_new returned, NULL when the plugin has none */
  uint32_t max_head_bytes;    /* start line and fields; over it: 431, 414 for a request target, 502 from a backend */
  uint32_t max_field_count;
  uint32_t max_trailer_bytes;
  uint32_t stream_window;     /* bytes of body that the host takes per stream before it calls consumed */
  uint32_t max_streams;
  uint32_t flags;             /* WEIR_CODEC_* */
  uint32_t stream_window_max; /* how far a codec may let a stream's window grow while its consumer keeps up; 0: not at all */
  uint32_t reserved2;
  const uint64_t* now_ms;     /* the host's clock of this turn, the one that `tick` gives; read it inside calls. May be NULL. */
} weir_codec_params;

enum {
  WEIR_CODEC_ACCEPT_HTTP_10 = 1u << 0,
  WEIR_CODEC_ALLOW_CONNECT = 1u << 1,
  WEIR_CODEC_ALLOW_UPGRADE = 1u << 2,
  WEIR_CODEC_DROP_TRAILERS = 1u << 3
};

enum {
  WEIR_EVENT_NONE = 0,     /* all that was shown is used, or the rest is the start of something: show it again with more */
  WEIR_EVENT_BLOCKED = 1,  /* there are bytes but they must wait: for `consumed`, or for the end of the stream before them */
  WEIR_EVENT_HEAD = 2,     /* `head`, and end_stream when no body and no trailers follow */
  WEIR_EVENT_DATA = 3,     /* `data`, inside the span that was shown; end_stream when the half is complete with it: then no END comes */
  WEIR_EVENT_TRAILERS = 4, /* `head`; ends the stream's half */
  WEIR_EVENT_END = 5,      /* the stream's half is complete, with no further byte */
  WEIR_EVENT_RESET = 6,    /* the peer ended the stream early: error.reason */
  WEIR_EVENT_ERROR = 7,    /* error; scope stream: the others go on; scope connection: nothing more is received */
  WEIR_EVENT_GOAWAY = 8,   /* no new streams; those above last_stream were not processed */
  WEIR_EVENT_STOP_SENDING = 9 /* the peer has no use for the rest of our half */
};

typedef struct weir_event {
  uint8_t type; /* WEIR_EVENT_* */
  uint8_t end_stream;
  uint16_t reserved;
  uint32_t stream;  /* the codec's number of the stream */
  weir_stream* user; /* what adopt or open bound to it; NULL before */
  weir_head* head;  /* valid, with all it points to, until the next `receive` of any codec on this worker */
  const uint8_t* data;
  size_t size;
  uint32_t last_stream;
  uint32_t reserved2;
  weir_error error;
} weir_event;

enum {
  WEIR_RECEIVE_EOF = 1u << 0,    /* the peer will send nothing after these bytes */
  WEIR_RECEIVE_EXPIRED = 1u << 1 /* server position: the time for a started head is over; answer with an ERROR, status 408 */
};

enum {
  WEIR_PRODUCED_MORE = 1u << 0, /* the budget ended first */
  WEIR_PRODUCED_CLOSE = 1u << 1, /* once this output is written the connection is over */
  WEIR_PRODUCED_HALF = 1u << 2,  /* with CLOSE: only our direction is over (one end of a tunnel has finished). Shut it down and
                                    go on receiving; produce says CLOSE alone when the other direction is over too. */
  WEIR_PRODUCED_FULL = 1u << 4,   /* streams have bytes that only the window of the whole connection holds back */
  WEIR_PRODUCED_EVENTS = 1u << 3 /* there is something to tell although nothing was received (tick has ended streams): call
                                    receive, with what there is or with nothing, until it says NONE */
};

/* A codec: no socket, no clock, no thread. It is pulled: the host shows it bytes and asks it for output. In the same turn the
 * host may call in any order; a codec calls only codec_host, and only inside a call.
 *
 * Server position, one request:  receive -> HEAD | adopt | receive -> DATA* END | send_head | ready, produce*
 * Client position, one request:  open | send_head | ready, produce* | receive -> HEAD(1xx)* HEAD DATA* END
 *
 * A stream is over when both halves are complete, or after reset (by either side). In server position it is over for the host as
 * soon as the response is complete: what is left of the request is the codec's to end (H1 discards it, within a bound; a
 * multiplexed protocol tells the peer to stop) and brings no more events. A tunnel is over when both of its halves are. The
 * codec forgets `user` then; the host forgets the number. In client position a response that is complete before the request
 * leaves the request half open: the host ends it with `reset` (WEIR_REASON_NO_ERROR).
 *
 * Rules that a multiplexed protocol needs (docs/codec-h2-walk.md):
 *  - The host calls produce once a new connection is up, and before a turn ends in which it made any other call on the codec.
 *  - Numbers are not used again on a connection; a call with one that is over does nothing. They need not be the wire's.
 *  - GOAWAY comes after a RESET (REFUSED) for each open stream that it leaves out; last_stream is for the log.
 *  - With WEIR_RECEIVE_EOF a RESET comes for each stream whose received half is open: TRUNCATED after its message began, else
 *    CLOSED. After an ERROR of connection scope the host ends the streams that are left.
 *  - Of a field's flags the parsing codec sets WEIR_FIELD_NEVER_INDEX, the host the others.
 *  - send_head answering WEIR_NO_ROOM or WEIR_REFUSED has written nothing, and the stream is as before.
 *  - The parsing codec checks the length of a body against content_length.
 *  - receive may answer BLOCKED also until produce has run, so that control output stays bounded.
 *  - Padding is credited by the codec itself.
 *  - In client position nothing of a tunnel is sent before the backend has agreed to it, where its bytes could be taken for
 *    something else; once it has, the host calls produce. */
typedef struct weir_codec_api {
  uint32_t struct_size;
  uint32_t flags; /* WEIR_CODEC_API_* */
  void* (*config_new)(const weir_host* host, const weir_node* node); /* may be NULL: takes no config */
  void (*config_free)(void* config);
  weir_codec* (*create)(const weir_codec_params* params); /* params' pointers outlive the codec, params itself does not */
  void (*destroy)(weir_codec* codec);

  /* Shows the unconsumed span (at most one contiguous piece; 64 readable bytes follow it). Parses until there is one event or
   * no more can be parsed, fills *event, and returns how many bytes from the front are done with. The bytes of an event stay in
   * place until the next call. Bytes that were shown and not consumed come again, possibly at another address, with more behind
   * them. The codec may change bytes of the span (lower-casing). As long as a codec has further events from bytes that it was
   * shown it leaves at least the last of them unconsumed: when all are consumed the host does not ask again before there is
   * more. May be called with size 0 (end of input, an expired head, WEIR_PRODUCED_EVENTS). */
  size_t (*receive)(weir_codec* codec, uint8_t* data, size_t size, uint32_t flags, weir_event* event);

  void (*adopt)(weir_codec* codec, uint32_t stream, weir_stream* user); /* server: right after a request's HEAD */
  uint32_t (*open)(weir_codec* codec, weir_stream* user);               /* client: a new stream's number; 0: no room */

  /* Writes a head. Interim heads may come any number of times before the final one. end_stream: nothing follows. */
  int32_t (*send_head)(weir_codec* codec, uint32_t stream, const weir_head* head, uint32_t end_stream, weir_out* out);
  /* The stream has body bytes, an end or trailers to send that it did not have before. Cheap; may be called again and again. */
  void (*ready)(weir_codec* codec, uint32_t stream);
  /* The consumer has taken `size` bytes of received body: the sender may send as many more. */
  void (*consumed)(weir_codec* codec, uint32_t stream, uint32_t size);
  /* Ends the stream now, both halves. `user` is not used after. What a one-stream protocol cannot express ends the connection:
   * the next produce then answers WEIR_PRODUCED_CLOSE. */
  void (*reset)(weir_codec* codec, uint32_t stream, uint32_t reason, weir_out* out);
  /* Writes control output and up to about `budget` bytes of body from streams that are ready and have window. */
  uint32_t (*produce)(weir_codec* codec, uint64_t budget, weir_out* out);
  /* No new streams: phase 1 announces (H1: the next response says close), phase 2 is final. */
  void (*goaway)(weir_codec* codec, uint32_t phase, weir_out* out);
  /* Time. deadline: milliseconds on the host's clock when tick wants to be called, 0 for never. May be NULL. */
  uint64_t (*deadline)(const weir_codec* codec);
  void (*tick)(weir_codec* codec, uint64_t now_ms, weir_out* out);
  /* Streams that can be opened now: by us in client position, by the peer in server position. */
  uint32_t (*capacity)(const weir_codec* codec);
  /* 1 while the connection can carry further streams after the present ones. */
  uint32_t (*reusable)(const weir_codec* codec);
  /* How the host finds out that a connection speaks this protocol. May both be NULL: then the codec is used where it is the
   * only one, or the last of several. alpn: names separated by one space ("h2"). probe: judges the first bytes that a client
   * sent (size > 0; nothing is consumed). */
  const char* alpn;
  uint32_t (*probe)(const uint8_t* data, size_t size); /* WEIR_PROBE_* */
} weir_codec_api;

enum { WEIR_PROBE_NO = 0, WEIR_PROBE_YES = 1, WEIR_PROBE_MORE = 2 /* these bytes may be the start; show them with more */ };

enum {
  WEIR_CODEC_API_MULTIPLEXED = 1u << 0 /* more than one stream at a time */
};

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
  /* Answers in place of the backend. extra: fields of the answer. Later calls on the same stream do nothing. */
  int32_t (*local_reply)(weir_stream* stream, uint32_t status, weir_view body, const weir_field* extra, uint32_t extra_count,
                         weir_view details);
  int32_t (*reset)(weir_stream* stream);
  weir_ticket (*ticket)(weir_stream* stream);
  int32_t (*resume)(weir_ticket ticket, uint32_t which); /* owning worker; WEIR_REQUEST or WEIR_RESPONSE */
  void* (*route_config)(weir_stream* stream); /* what config_new made of the route's typed_per_filter_config; NULL: none */
  int32_t (*attribute)(weir_stream* stream, uint32_t id, weir_view* value);  /* WEIR_ATTR_* */
  int32_t (*number)(weir_stream* stream, uint32_t id, int64_t* value);       /* WEIR_NUMBER_* */
  /* Notes from filter to filter and to the log (%DYNAMIC_METADATA(space:key)%). Reading falls back to what listener filters noted
   * of the connection. At most 64 notes a stream, 256 bytes of names and 4,096 of value each: WEIR_NO_ROOM. */
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
  /* Between the hooks of a body that is not withheld: passes bytes to the later filters now. WEIR_REFUSED before the headers
   * went on and after the end; WEIR_NO_ROOM when what is ahead holds a buffer limit of bytes. */
  int32_t (*inject)(weir_stream* stream, uint32_t which, weir_view data);
  /* In the data hook that shows the end, or as long as the end is withheld: makes trailers where the message has none, for `add`.
   * which: WEIR_REQUEST_TRAILERS or WEIR_RESPONSE_TRAILERS. */
  int32_t (*add_trailers)(weir_stream* stream, uint32_t which);
} weir_http_api;

enum {
  WEIR_FILTER_CHANGES_REQUEST_LENGTH = 1u << 0, /* the host clears the announced length before the head moves on */
  WEIR_FILTER_CHANGES_RESPONSE_LENGTH = 1u << 1
};

/* One HTTP filter. `self` is state_size zeroed bytes in the stream's arena, or the config when state_size is 0. */
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
  void (*destroy)(void* self); /* the last call; make none of the host's calls from it */
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
  uint16_t abi_minor;
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
