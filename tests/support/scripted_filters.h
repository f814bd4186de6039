#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/arena.h"
#include "core/base/slab.h"
#include "core/http/filter_chain.h"
#include "core/http/message.h"

namespace weir::test {

// An HTTP filter whose hooks a test writes as lambdas; a hook that is not set is null in its table.
struct FilterScript {
  using Hook = std::function<int32_t(weir_stream*)>;
  using EndHook = std::function<int32_t(weir_stream*, bool end)>;

  EndHook request_headers, request_data, response_headers, response_data;
  Hook request_trailers, response_interim, response_trailers;
  std::function<int32_t(weir_stream*)> create;
  std::function<void(weir_stream*)> complete;
  uint32_t flags = 0;
  bool disabled = false;
  int destroyed = 0;  // counted for filters with state
  bool with_state = false;

  weir_http_filter_api api{};

  const weir_http_filter_api* Table() {
    api.struct_size = sizeof api;
    api.flags = flags;
    api.state_size = with_state ? sizeof(FilterScript*) : 0;
    api.create = [](void* self, void* config, weir_stream* stream) -> int32_t {
      auto* script = static_cast<FilterScript*>(config);
      if (script->with_state) *static_cast<FilterScript**>(self) = script;
      return script->create ? script->create(stream) : WEIR_OK;
    };
    api.destroy = [](void* self) { ++Of(self)->destroyed; };
    if (with_state) return &api;
    if (request_headers)
      api.request_headers = [](void* s, weir_stream* x, uint32_t e) {
        return Of1(s)->request_headers(x, e != 0);
      };
    if (request_data)
      api.request_data = [](void* s, weir_stream* x, uint32_t e) {
        return Of1(s)->request_data(x, e != 0);
      };
    if (response_headers)
      api.response_headers = [](void* s, weir_stream* x, uint32_t e) {
        return Of1(s)->response_headers(x, e != 0);
      };
    if (response_data)
      api.response_data = [](void* s, weir_stream* x, uint32_t e) {
        return Of1(s)->response_data(x, e != 0);
      };
    if (request_trailers)
      api.request_trailers = [](void* s, weir_stream* x) { return Of1(s)->request_trailers(x); };
    if (response_trailers)
      api.response_trailers = [](void* s, weir_stream* x) { return Of1(s)->response_trailers(x); };
    if (response_interim)
      api.response_interim = [](void* s, weir_stream* x) { return Of1(s)->response_interim(x); };
    if (complete) api.complete = [](void* s, weir_stream* x) { Of1(s)->complete(x); };
    return &api;
  }

  static FilterScript* Of(void* self) { return *static_cast<FilterScript**>(self); }
  static FilterScript* Of1(void* self) { return static_cast<FilterScript*>(self); }
};

// The stream around a chain: what comes out of it is written down, `H` a head, `H!` one with the
// end, `[text]` body, `!` the end of the body, `T` trailers. A local reply runs through the
// response hooks, as in the connection manager.
class ChainOwner final : public http::FilterChainOwner {
 public:
  explicit ChainOwner(uint32_t arena_limit = 1u << 20)
      : arena_(&pool_, memory_, 1024, arena_limit),
        request_(&arena_),
        response_(&arena_),
        request_trailers_(&arena_),
        response_trailers_(&arena_) {
    weir_head head{};
    head.struct_size = sizeof head;
    head.kind = WEIR_HEAD_REQUEST;
    head.method = {"POST", 4};
    head.path = {"/path", 5};
    head.authority = {"example.com", 11};
    head.scheme = {"http", 4};
    request_.Take(head, 100);
    response_.Reset(WEIR_HEAD_RESPONSE, 200);
    request_trailers_.Reset(WEIR_HEAD_TRAILERS);
    response_trailers_.Reset(WEIR_HEAD_TRAILERS);
  }

  http::FilterChain& Make(std::vector<FilterScript*> scripts, uint32_t buffer_limit = 1u << 20) {
    for (FilterScript* script : scripts) {
      http::FilterEntry entry;
      // A copy: the chain may outlive the test's scripts, whose hooks are then called no more.
      apis_.push_back(std::make_unique<weir_http_filter_api>(*script->Table()));
      entry.api = apis_.back().get();
      entry.hooks = http::FilterEntry::HooksOf(*entry.api);
      entry.config = script;
      entry.time = time;
      entry.disabled = script->disabled;
      entries_.push_back(std::move(entry));
    }
    chain_ = std::make_unique<http::FilterChain>(this, &arena_, &pool_);
    built = chain_->Build(entries_, nullptr, buffer_limit);
    return *chain_;
  }
  http::FilterChain& chain() { return *chain_; }
  void Data(http::Direction d, std::string_view text, bool end = false) {
    http::SliceQueue queue(&pool_);
    queue.Append(text.data(), text.size());
    chain_->Data(d, &queue, end);
    left += queue.bytes();
  }
  // The deferred phase.
  void Deferred() {
    if (RunPendingAction()) return;
    if (!wants_resume) return;
    wants_resume = false;
    chain_->RunResumes();
  }

  void OnChainHeaders(http::Direction d, bool end) override { out[d] += end ? "H!" : "H"; }
  void OnChainData(http::Direction d, http::SliceQueue* data, bool end) override {
    std::string text;
    while (!data->empty()) {
      const base::Slice slice = data->Pop();
      text.append(reinterpret_cast<const char*>(slice.data()), slice.size());
    }
    body[d] += text;
    out[d] += "[" + text + "]";
    if (end) out[d] += "!";
  }
  void OnChainTrailers(http::Direction d) override { out[d] += "T"; }
  void OnChainOverflow(http::Direction d) override {
    ++overflows[d];
    if (reply_on_failure) Reply(d == http::kRequest ? 413 : 500);
  }
  void CountFailure(const http::FilterEntry&) override { ++failures; }
  void OnChainFailure(const http::FilterEntry&) override {
    pending_status = 0;
    if (reply_on_failure) Reply(500);
  }
  bool RunPendingAction() override {
    if (pending_status == 0 && !pending_reset) return false;
    if (pending_reset) {
      chain_->Kill();
      return true;
    }
    Reply(std::exchange(pending_status, 0));
    return true;
  }
  http::Message* ChainMessage(uint32_t which) override {
    switch (which) {
      case WEIR_REQUEST:
        return &request_;
      case WEIR_RESPONSE:
        return has_response ? &response_ : nullptr;
      default:
        if (!has_trailers && !made_trailers[which == WEIR_RESPONSE_TRAILERS]) return nullptr;
        return which == WEIR_REQUEST_TRAILERS ? &request_trailers_ : &response_trailers_;
    }
  }
  bool ChainWritable(uint32_t which) override { return writable[which]; }
  void RequestLocalReply(uint32_t status, std::string_view text, const weir_field*, uint32_t count,
                         std::string_view) override {
    ++asked_replies;
    if (replied || pending_status != 0) return;
    pending_status = status;
    reply_body = text;
    reply_fields = count;
  }
  void RequestReset() override { pending_reset = true; }
  void RequestResume() override { wants_resume = true; }
  uint64_t Ticket() override { return ticket; }
  bool Number(uint32_t id, int64_t* value) override {
    *value = 1000 + id;
    return id == WEIR_NUMBER_ATTEMPTS;
  }
  std::string_view ConnectionNote(std::string_view, std::string_view key) override {
    return key == "of-connection" ? std::string_view("noted") : std::string_view{};
  }
  void AddFlag(observe::ResponseFlag flag) override { flags.Set(flag); }
  void OnPathChange() override { ++path_changes; }
  const http::Route* RefreshRoute() override {
    ++refreshed;
    return nullptr;
  }
  uint64_t BytesAhead(http::Direction) override { return ahead; }
  http::Message* MakeTrailers(http::Direction d) override {
    if (has_trailers) return nullptr;
    made_trailers[d] = true;
    return d == http::kRequest ? &request_trailers_ : &response_trailers_;
  }
  std::string_view Attribute(uint32_t id) override {
    return id == WEIR_ATTR_PROTOCOL ? std::string_view("HTTP/1.1") : std::string_view{};
  }
  const http::PathOptions& ChainPathOptions() const override { return path_options; }

  http::Message& request() { return request_; }
  http::Message& response() { return response_; }
  base::Arena& arena() { return arena_; }
  base::SlabPool& pool() { return pool_; }

  http::HookStats time;  // of all filters; set before Make
  std::string out[2];
  std::string body[2];
  uint64_t left = 0;  // bytes that the chain did not take
  int overflows[2] = {};
  int failures = 0;
  int asked_replies = 0;
  uint32_t replied = 0;
  uint32_t pending_status = 0;
  uint32_t reply_fields = 0;
  std::string reply_body;
  bool pending_reset = false;
  bool wants_resume = false;
  bool has_response = true;
  bool has_trailers = true;
  bool built = false;
  bool made_trailers[2] = {};
  int path_changes = 0;
  int refreshed = 0;
  uint64_t ahead = 0;  // what BytesAhead says
  observe::ResponseFlags flags;
  bool reply_on_failure = true;
  bool writable[4] = {true, true, true, true};
  uint64_t ticket = 77;
  http::PathOptions path_options;

 private:
  void Reply(uint32_t status) {
    if (replied != 0) return;
    replied = status;
    response_.Reset(WEIR_HEAD_RESPONSE, static_cast<uint16_t>(status));
    chain_->Close(http::kRequest);
    chain_->Headers(http::kResponse, true);
  }

  base::SlabPool pool_;
  uint8_t memory_[1024 + base::Slab::kPadding];
  base::Arena arena_;
  http::Message request_;
  http::Message response_;
  http::Message request_trailers_;
  http::Message response_trailers_;
  std::vector<std::unique_ptr<weir_http_filter_api>> apis_;
  std::vector<http::FilterEntry> entries_;
  std::unique_ptr<http::FilterChain> chain_;
};

}  // namespace weir::test
