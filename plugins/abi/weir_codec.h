/* clang-format off */
/* Codecs: the part of the door through which a protocol comes. The rules of weir.h hold here. */
#ifndef WEIR_ABI_H_
#include "plugins/abi/weir.h" /* includes this file where it belongs */
#endif
#ifndef WEIR_ABI_CODEC_H_
#define WEIR_ABI_CODEC_H_

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
  WEIR_EVENT_ERROR = 7,    /* error; scope stream: the others go on; scope connection: nothing more is received.
                              Scope stream with status 0 for a stream that has no user yet: a request that the codec
                              has refused and ended by itself; the host counts and logs it */
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

#endif /* WEIR_ABI_CODEC_H_ */
