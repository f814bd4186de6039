#include "plugins/kit/fake_host.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "core/config/abi_node.h"
#include "plugins/kit/fake_connection.h"
#include "plugins/kit/fake_stream.h"
#include "plugins/sdk/view.h"

namespace weir::kit {
namespace {

using sdk::Text;
using sdk::View;

// What stands behind a weir_timer.
struct FakeTimer {
  weir_hook hook;
  void* user;
  std::uint64_t due;

  static FakeTimer* From(weir_timer* timer) { return reinterpret_cast<FakeTimer*>(timer); }
  weir_timer* handle() { return reinterpret_cast<weir_timer*>(this); }
};

struct Posted {
  weir_hook work;   // of offload; null
  weir_hook plain;  // of post_worker; null
  weir_stream_hook done;
  weir_ticket ticket;
  void* user;
};

struct Value {
  std::string bytes;
  std::uint64_t expires;  // 0: never
};

// What a test does not look at.
struct Inside {
  std::vector<std::unique_ptr<FakeTimer>> timers;
};
Inside& In() {
  thread_local Inside inside;
  return inside;
}

// What all workers share.
struct Shared {
  std::mutex mutex;
  std::map<std::uint32_t, std::deque<Posted>> posted;  // by worker
  std::map<std::pair<std::string, std::string>, Value> values;
  std::deque<std::string> names;  // of counters, gauges and histograms, by id - 1
};
Shared& Common() {
  static Shared shared;
  return shared;
}
using Lock = std::lock_guard<std::mutex>;

std::uint32_t Name(weir_view name) {
  if (name.size == 0) return 0;
  const Lock lock(Common().mutex);
  std::deque<std::string>& names = Common().names;
  const auto known = std::find(names.begin(), names.end(), Text(name));
  const auto id = static_cast<std::uint32_t>(known - names.begin()) + 1;
  if (known == names.end()) names.emplace_back(Text(name));
  return id;
}
const std::string& NameOf(std::uint32_t id) {
  const Lock lock(Common().mutex);
  return Common().names.at(id - 1);
}

void Log(std::uint32_t level, weir_view plugin, weir_view message) {
  World().log.emplace_back(level, std::string(Text(plugin)) + ": " + std::string(Text(message)));
}
void Count(std::uint32_t id, std::uint64_t add) {
  if (id != 0) World().counters[NameOf(id)] += add;
}
void GaugeAdd(std::uint32_t id, std::int64_t add) {
  if (id != 0) World().gauges[NameOf(id)] += add;
}
void Record(std::uint32_t id, std::uint64_t value) {
  if (id != 0) World().histograms[NameOf(id)].push_back(value);
}
// The same bytes in each run, and never the same twice in one.
void Random(std::uint8_t* out, std::size_t size) {
  thread_local std::uint64_t state = 1;
  for (std::size_t i = 0; i < size; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    out[i] = static_cast<std::uint8_t>(state >> 56);
  }
}
void Sha1(const std::uint8_t* in, std::size_t size, std::uint8_t out[20]) {
  SHA1(in, size, out);
}
void Sha256(const std::uint8_t* in, std::size_t size, std::uint8_t out[32]) {
  SHA256(in, size, out);
}

// ---- Timers

weir_timer* TimerNew(weir_hook hook, void* user) {
  if (World().full) return nullptr;
  In().timers.push_back(std::make_unique<FakeTimer>(FakeTimer{hook, user, WEIR_TIMER_OFF}));
  return In().timers.back()->handle();
}
void TimerSet(weir_timer* timer, std::uint64_t after_ms) {
  FakeTimer::From(timer)->due =
      after_ms == WEIR_TIMER_OFF ? WEIR_TIMER_OFF : World().now_ms + after_ms;
}
void TimerFree(weir_timer* timer) {
  std::erase_if(In().timers, [timer](const auto& held) { return held->handle() == timer; });
}
FakeTimer* NextDue() {
  FakeTimer* next = nullptr;
  for (const auto& timer : In().timers) {
    if (timer->due <= World().now_ms && (next == nullptr || timer->due < next->due)) {
      next = timer.get();
    }
  }
  return next;
}

// ---- Posting

std::int32_t Enqueue(std::uint32_t worker, const Posted& posted) {
  if (World().full) return WEIR_NO_ROOM;
  const Lock lock(Common().mutex);
  Common().posted[worker].push_back(posted);
  return WEIR_OK;
}
// A ticket is the stream's number, and the worker's plus 1.
std::int32_t Post(weir_ticket ticket, weir_stream_hook hook, void* user) {
  if (ticket.value[0] == 0) return WEIR_REFUSED;
  return Enqueue(static_cast<std::uint32_t>(ticket.value[1] - 1),
                 {nullptr, nullptr, hook, ticket, user});
}
std::int32_t PostWorker(std::uint32_t worker, weir_hook hook, void* user) {
  return worker >= World().workers ? WEIR_REFUSED
                                   : Enqueue(worker, {nullptr, hook, nullptr, {{0, 0}}, user});
}
std::int32_t Offload(weir_hook work, weir_ticket ticket, weir_stream_hook done, void* user) {
  return Enqueue(World().worker, {work, nullptr, done, ticket, user});
}
std::optional<Posted> NextPosted() {
  const Lock lock(Common().mutex);
  std::deque<Posted>& queue = Common().posted[World().worker];
  if (queue.empty()) return std::nullopt;
  const Posted first = queue.front();
  queue.pop_front();
  return first;
}

// ---- Shared values

bool GoodName(weir_view name) {
  return name.size >= 1 && name.size <= 256;
}
std::pair<std::string, std::string> Key(weir_view store, weir_view key) {
  return {std::string(Text(store)), std::string(Text(key))};
}
Value* FindValue(weir_view store, weir_view key) {
  const auto found = Common().values.find(Key(store, key));
  if (found == Common().values.end()) return nullptr;
  if (found->second.expires == 0 || found->second.expires > World().now_ms) return &found->second;
  Common().values.erase(found);
  return nullptr;
}
std::uint64_t Expiry(std::uint64_t ttl_ms) {
  return ttl_ms == 0 ? 0 : World().now_ms + ttl_ms;
}
std::int64_t KvGet(weir_view store, weir_view key, char* out, std::size_t room) {
  const Lock lock(Common().mutex);
  const Value* const value = FindValue(store, key);
  if (value == nullptr) return WEIR_ERROR;
  std::memcpy(out, value->bytes.data(), std::min(room, value->bytes.size()));
  return static_cast<std::int64_t>(value->bytes.size());
}
std::int32_t KvSet(weir_view store, weir_view key, weir_view value, std::uint64_t ttl_ms) {
  if (!GoodName(store) || !GoodName(key)) return WEIR_REFUSED;
  if (World().full || value.size > 65536) return WEIR_NO_ROOM;
  const Lock lock(Common().mutex);
  Common().values[Key(store, key)] = {std::string(Text(value)), Expiry(ttl_ms)};
  return WEIR_OK;
}
std::int32_t KvAdd(weir_view store, weir_view key, std::int64_t add, std::uint64_t ttl_ms,
                   std::int64_t* sum) {
  if (!GoodName(store) || !GoodName(key)) return WEIR_REFUSED;
  const Lock lock(Common().mutex);
  Value* value = FindValue(store, key);
  if (value == nullptr) {
    if (World().full) return WEIR_NO_ROOM;
    value = &Common().values[Key(store, key)];
    *value = {std::string(sizeof add, '\0'), Expiry(ttl_ms)};
  }
  if (value->bytes.size() != sizeof add) return WEIR_REFUSED;
  std::memcpy(sum, value->bytes.data(), sizeof add);
  *sum += add;
  std::memcpy(value->bytes.data(), sum, sizeof add);
  return WEIR_OK;
}
std::int32_t KvRemove(weir_view store, weir_view key) {
  const Lock lock(Common().mutex);
  return Common().values.erase(Key(store, key)) == 0 ? WEIR_ERROR : WEIR_OK;
}

// ---- Call-outs

FakeCallout* Of(weir_callout* callout) {
  return reinterpret_cast<FakeCallout*>(callout);
}
weir_callout* CalloutStart(const weir_callout_request* request, const weir_callout_hooks* hooks,
                           void* user) {
  if (World().full) return nullptr;
  auto made = std::make_unique<FakeCallout>();
  made->cluster = Text(request->cluster);
  made->method = request->method.size == 0 ? "GET" : Text(request->method);
  made->scheme = Text(request->scheme);
  made->authority = Text(request->authority);
  made->path = Text(request->path);
  made->body = Text(request->body);
  for (std::uint32_t i = 0; i < request->field_count; ++i) {
    const weir_field& field = request->fields[i];
    made->fields.emplace_back(std::string(field.name, field.name_size),
                              std::string(field.value, field.value_size));
  }
  made->timeout_ms = request->timeout_ms;
  made->max_body_bytes = request->max_body_bytes;
  made->streams = (request->flags & WEIR_CALLOUT_STREAM_BODY) != 0;
  made->body_ended = !made->streams;
  made->hooks = *hooks;
  made->user = user;
  World().callouts.push_back(std::move(made));
  return reinterpret_cast<weir_callout*>(World().callouts.back().get());
}
std::int32_t CalloutSend(weir_callout* callout, weir_view data, std::uint32_t end) {
  FakeCallout& fake = *Of(callout);
  if (!fake.streams || fake.body_ended || fake.over) return WEIR_REFUSED;
  fake.body += Text(data);
  fake.body_ended = end != 0;
  return WEIR_OK;
}
void CalloutCancel(weir_callout* callout) {
  Of(callout)->cancelled = Of(callout)->over = true;
}

constexpr weir_callout_api kCallouts = {sizeof(weir_callout_api), 0, CalloutStart, CalloutSend,
                                        CalloutCancel};

}  // namespace

std::string FakeCallout::Field(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return {};
}

void FakeCallout::Answer(std::uint32_t status,
                         const std::vector<std::pair<std::string, std::string>>& answer,
                         std::string_view text) {
  if (over) return;
  std::vector<weir_field> raw;
  for (const auto& [name, value] : answer) {
    weir_field field{};
    field.name = name.data();
    field.name_size = static_cast<std::uint16_t>(name.size());
    field.value = value.data();
    field.value_size = static_cast<std::uint32_t>(value.size());
    raw.push_back(field);
  }
  weir_head head{};
  head.struct_size = sizeof head;
  head.kind = WEIR_HEAD_RESPONSE;
  head.status = static_cast<std::uint16_t>(status);
  head.fields = raw.data();
  head.field_count = static_cast<std::uint32_t>(raw.size());
  if (hooks.head != nullptr) hooks.head(user, &head, text.empty() ? 1 : 0);
  while (!over && !text.empty()) {
    const std::string_view piece = text.substr(0, 7);
    text.remove_prefix(piece.size());
    if (hooks.data != nullptr) hooks.data(user, View(piece), text.empty() ? 1 : 0);
  }
  Fail(WEIR_REASON_NONE);
}

void FakeCallout::Cut(std::uint32_t status, std::string_view text) {
  if (over) return;
  weir_head head{};
  head.struct_size = sizeof head;
  head.kind = WEIR_HEAD_RESPONSE;
  head.status = static_cast<std::uint16_t>(status);
  if (hooks.head != nullptr) hooks.head(user, &head, 0);
  if (!over && hooks.data != nullptr) hooks.data(user, View(text), 0);
  Fail(WEIR_REASON_TRUNCATED);
}

void FakeCallout::Fail(std::uint32_t reason) {
  if (over) return;
  over = true;
  if (hooks.complete != nullptr) hooks.complete(user, reason);
}

void FakeWorld::Advance(std::uint64_t ms) {
  now_ms += ms;
  unix_ms += static_cast<std::int64_t>(ms);
  while (FakeTimer* const timer = NextDue()) {
    timer->due = WEIR_TIMER_OFF;
    timer->hook(timer->user);
  }
}

std::size_t FakeWorld::RunPosted() {
  std::size_t ran = 0;
  for (; const std::optional<Posted> next = NextPosted(); ++ran) {
    const Posted& posted = *next;
    if (posted.work != nullptr) posted.work(posted.user);
    if (posted.plain != nullptr) posted.plain(posted.user);
    if (posted.done == nullptr) continue;
    FakeHttpStream* const stream = FakeHttpStream::FromTicket(posted.ticket);
    FakeConnection* const connection = FakeConnection::FromTicket(posted.ticket);
    posted.done(posted.user, stream != nullptr       ? stream->handle()
                             : connection != nullptr ? reinterpret_cast<weir_stream*>(connection)
                                                     : nullptr);
  }
  return ran;
}

std::size_t FakeWorld::timers() const {
  return In().timers.size();
}

void FakeWorld::Clear() {
  RunPosted();
  // Names stay: a plugin's ids of them live as long as the process.
  const Lock lock(Common().mutex);
  Common().values.clear();
  *this = FakeWorld();
}

FakeWorld& World() {
  thread_local FakeWorld world;
  return world;
}

const weir_host* FakeHost() {
  static const weir_host host = [] {
    weir_host table{};
    table.struct_size = sizeof table;
    table.abi_minor = WEIR_ABI_MINOR;
    table.config = config::AbiConfigApi();
    table.log = Log;
    table.counter = Name;
    table.count = Count;
    table.random = Random;
    table.sha1 = Sha1;
    table.sha256 = Sha256;
    table.log_enabled = [](std::uint32_t) { return 1u; };
    table.gauge = Name;
    table.gauge_add = GaugeAdd;
    table.histogram = Name;
    table.record = Record;
    table.now_ms = [] { return World().now_ms; };
    table.unix_ms = [] { return World().unix_ms; };
    table.workers = [] { return World().workers; };
    table.worker = [] { return World().worker; };
    table.validating = [] { return World().validating ? 1u : 0u; };
    table.timer_new = TimerNew;
    table.timer_set = TimerSet;
    table.timer_free = TimerFree;
    table.post = Post;
    table.post_worker = PostWorker;
    table.offload = Offload;
    table.kv_get = KvGet;
    table.kv_set = KvSet;
    table.kv_add = KvAdd;
    table.kv_remove = KvRemove;
    table.callout = &kCallouts;
    return table;
  }();
  return &host;
}

}  // namespace weir::kit
