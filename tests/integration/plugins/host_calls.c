/* A filter that shows what the host does besides messages: timers, posts, helper threads, shared
 * values. The path says which; test_plugin_host.py drives it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugins/abi/weir.h"

#define WORKERS 16

static const weir_host* host;
static const weir_http_api* http;
static uint32_t abandoned, answered, delay, late_right, late_wrong, open_gauge;
static weir_timer* ticks[WORKERS];

struct state {
  weir_stream* stream;
  weir_timer* timer;
};

/* What goes round through other threads. Freed by the last hook. */
struct errand {
  weir_ticket ticket;
  uint32_t from;
  uint32_t left; /* workers that it has still to visit */
  uint64_t began_ms;
  uint8_t digest[32];
};

static weir_view text(const char* string) {
  weir_view view = {string, strlen(string)};
  return view;
}

static void say(const char* what, uint32_t worker) {
  char line[64];
  snprintf(line, sizeof line, "%s %d", what, (int)worker);
  host->log(WEIR_LOG_INFO, text("host_calls"), text(line));
}

static void answer(weir_stream* stream, const char* body) {
  http->local_reply(stream, 200, text(body), NULL, 0, text("host_calls"));
}

static void nap(long ms) {
  struct timespec time = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static void tick(void* user) {
  host->kv_add(text("host_calls"), text("ticks"), 1, 0, NULL);
  host->timer_set(*(weir_timer**)user, 20);
}

static int32_t init(const weir_host* given, char* error, size_t size) {
  host = given;
  if (!WEIR_HAS(host, kv_remove)) {
    snprintf(error, size, "the host is too old");
    return WEIR_ERROR;
  }
  abandoned = host->counter(text("host_calls.abandoned"));
  answered = host->counter(text("host_calls.answered"));
  late_right = host->counter(text("host_calls.late_right"));
  late_wrong = host->counter(text("host_calls.late_wrong"));
  open_gauge = host->gauge(text("host_calls.open"));
  delay = host->histogram(text("host_calls.delay"));
  say("init with workers:", host->workers());
  return WEIR_OK;
}

static void worker_start(uint32_t worker) {
  say(host->worker() == worker ? "start" : "start elsewhere", worker);
  ticks[worker] = host->timer_new(tick, &ticks[worker]);
  host->timer_set(ticks[worker], 0);
}

static void worker_stop(uint32_t worker) {
  host->timer_free(ticks[worker]);
  say(host->worker() == worker ? "stop" : "stop elsewhere", worker);
}

static void fini(void) {
  say("fini", host->worker());
}

static void* config_new(const weir_host* given, const weir_http_api* api, const weir_node* node,
                        uint32_t per_route) {
  (void)given;
  (void)node;
  (void)per_route;
  http = api;
  return &host;
}

static void config_free(void* config) {
  (void)config;
  say("config_free", host->worker());
}

static int32_t create(void* self, void* config, weir_stream* stream) {
  struct state* state = self;
  (void)config;
  state->stream = stream;
  host->gauge_add(open_gauge, 1);
  return WEIR_OK;
}

static void destroy(void* self) {
  struct state* state = self;
  if (state->timer != NULL) host->timer_free(state->timer);
  host->gauge_add(open_gauge, -1);
}

static void on_timer(void* user) {
  struct state* state = user;
  host->timer_free(state->timer);
  state->timer = NULL;
  answer(state->stream, "timer");
}

/* Looks at the answer again and again, as long as the stream lives. */
static void on_look(void* user) {
  struct state* state = user;
  weir_view value;
  if (http->status(state->stream) != 0) {
    const int right =
        http->get(state->stream, WEIR_RESPONSE, text("x-of-answer"), 0, &value) == WEIR_OK &&
        value.size == 8 && memcmp(value.data, "kept-one", 8) == 0;
    host->count(right ? late_right : late_wrong, 1);
  }
  host->timer_set(state->timer, 5);
}

static void back(void* user, weir_stream* stream) {
  struct errand* errand = user;
  host->record(delay, host->now_ms() - errand->began_ms);
  if (stream == NULL) {
    host->count(abandoned, 1);
  } else {
    char body[80];
    for (int i = 0; i < 32; ++i) snprintf(body + 2 * i, 3, "%02x", errand->digest[i]);
    host->count(answered, 1);
    answer(stream, host->worker() == errand->from ? body : "another worker");
  }
  free(errand);
}

static void work(void* user) {
  struct errand* errand = user;
  host->sha256((const uint8_t*)"abc", 3, errand->digest);
  if (host->worker() != WEIR_NO_WORKER) errand->digest[0] = 0;
}

static void slow_work(void* user) {
  nap(300);
  work(user);
}

static void go_on(void* user, weir_stream* stream) {
  struct errand* errand = user;
  if (stream != NULL) {
    http->set(stream, WEIR_REQUEST, text("x-posted"), text("yes"));
    http->resume(errand->ticket, WEIR_REQUEST);
  }
  free(errand);
}

static void visit(void* user) {
  struct errand* errand = user;
  host->kv_add(text("host_calls"), text("visits"), 1, 0, NULL);
  if (host->worker() + 1 == errand->left) --errand->left;
  if (errand->left == 0) {
    if (host->post(errand->ticket, back, errand) != WEIR_OK) free(errand);
  } else if (host->post_worker(errand->left - 1, visit, errand) != WEIR_OK) {
    free(errand);
  }
}

static struct errand* new_errand(weir_stream* stream) {
  struct errand* errand = calloc(1, sizeof *errand);
  errand->ticket = http->ticket(stream);
  errand->from = host->worker();
  errand->left = host->workers();
  errand->began_ms = host->now_ms();
  return errand;
}

static int32_t number(weir_stream* stream, const char* key) {
  int64_t value = 0;
  char body[32];
  host->kv_add(text("host_calls"), text(key), 0, 0, &value);
  snprintf(body, sizeof body, "%lld", (long long)value);
  answer(stream, body);
  return WEIR_CONTINUE;
}

static int32_t send(int32_t status, struct errand* errand) {
  if (status == WEIR_OK) return WEIR_STOP_ALL;
  free(errand);
  return status;
}

static int32_t request_headers(void* self, weir_stream* stream, uint32_t end_stream) {
  struct state* state = self;
  weir_view path;
  (void)end_stream;
  if (http->get_start(stream, text(":path"), &path) != WEIR_OK) return WEIR_ERROR;
#define IS(name) (path.size == strlen(name) && memcmp(path.data, name, path.size) == 0)
  if (IS("/timer")) {
    state->timer = host->timer_new(on_timer, state);
    host->timer_set(state->timer, 30);
    return WEIR_STOP_ALL;
  }
  if (IS("/look")) {
    state->timer = host->timer_new(on_look, state);
    host->timer_set(state->timer, 5);
    return WEIR_CONTINUE;
  }
  if (IS("/offload") || IS("/slow-offload")) {
    struct errand* errand = new_errand(stream);
    weir_hook what = IS("/offload") ? work : slow_work;
    return send(host->offload(what, errand->ticket, back, errand), errand);
  }
  if (IS("/post")) {
    struct errand* errand = new_errand(stream);
    return send(host->post(errand->ticket, go_on, errand), errand);
  }
  if (IS("/visit")) {
    struct errand* errand = new_errand(stream);
    return send(host->post_worker(errand->left - 1, visit, errand), errand);
  }
  if (IS("/visits")) return number(stream, "visits");
  if (IS("/ticks")) return number(stream, "ticks");
  if (IS("/slow-hook")) nap(60);
  return WEIR_CONTINUE;
}

static const weir_http_filter_api filter = {
    .struct_size = sizeof filter,
    .state_size = sizeof(struct state),
    .config_new = config_new,
    .config_free = config_free,
    .create = create,
    .destroy = destroy,
    .request_headers = request_headers,
};

static const weir_extension extensions[] = {{WEIR_KIND_HTTP_FILTER, 0, "host_calls", &filter}};

WEIR_PLUGIN(host_calls) = {
    .magic = WEIR_ABI_MAGIC,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .struct_size = sizeof weir_plugin,
    .extension_count = 1,
    .name = "host_calls",
    .version = "1.0",
    .extensions = extensions,
    .init = init,
    .worker_start = worker_start,
    .worker_stop = worker_stop,
    .fini = fini,
};
