#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugins/abi/tokens.h"
#include "plugins/abi/weir.h"
#include "plugins/sdk/field_list.h"
#include "plugins/sdk/view.h"

namespace weir::sdk {

// What a hook answers; Envoy's meanings (weir.h, WEIR_CONTINUE and so on).
enum class Status : std::int32_t {
  kContinue = WEIR_CONTINUE,
  kStop = WEIR_STOP,
  kStopWatermark = WEIR_STOP_WATERMARK,
  kStopAll = WEIR_STOP_ALL,
  kStopAllWatermark = WEIR_STOP_ALL_WATERMARK,
  kFail = WEIR_ERROR,  // the request fails closed, with a counter and the plugin's name
};

// One message's fields. Names are lower case. Views live until the hook returns or the message is
// changed. Writers answer false for framing fields, bad bytes and a message that has gone by.
class Fields {
 public:
  Fields(const weir_http_api* api, weir_stream* stream, std::uint32_t which)
      : api_(api), stream_(stream), which_(which) {}

  // The index-th value of a name; nothing when there are fewer.
  std::optional<std::string_view> Find(std::string_view name, std::uint32_t index = 0) const {
    weir_view value{};
    if (api_->get(stream_, which_, View(name), index, &value) != WEIR_OK) return std::nullopt;
    return Text(value);
  }
  // WEIR_TOKEN_*: quicker than by name.
  std::optional<std::string_view> FindToken(std::uint32_t token, std::uint32_t index = 0) const {
    weir_view value{};
    if (api_->get_token(stream_, which_, token, index, &value) != WEIR_OK) return std::nullopt;
    return Text(value);
  }
  // Empty when it is not there.
  std::string_view Get(std::string_view name) const { return Find(name).value_or(""); }
  bool Has(std::string_view name) const { return Find(name).has_value(); }
  // All values of a name, joined by ", " (RFC 9110 section 5.3); nothing when there is none.
  std::optional<std::string> Joined(std::string_view name) const {
    std::optional<std::string> all;
    for (std::uint32_t i = 0; const auto value = Find(name, i); ++i) {
      if (!all) {
        all.emplace(*value);
      } else {
        all->append(", ").append(*value);
      }
    }
    return all;
  }

  bool Set(std::string_view name, std::string_view value) const {
    return api_->set(stream_, which_, View(name), View(value)) == WEIR_OK;
  }
  bool Add(std::string_view name, std::string_view value) const {
    return api_->add(stream_, which_, View(name), View(value)) == WEIR_OK;
  }
  // True also when there was none.
  bool Remove(std::string_view name) const {
    return api_->remove(stream_, which_, View(name)) >= 0;
  }

  // Calls visit(name, value) for each field, framing included.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    const std::uint32_t count = api_->field_count(stream_, which_);
    for (std::uint32_t i = 0; i < count; ++i) {
      weir_view name{};
      weir_view value{};
      if (api_->field_at(stream_, which_, i, &name, &value) == WEIR_OK) {
        visit(Text(name), Text(value));
      }
    }
  }

 private:
  const weir_http_api* api_;
  weir_stream* stream_;
  std::uint32_t which_;
};

// The body that has arrived and did not go by this filter yet, as one piece.
class Body {
 public:
  Body(const weir_http_api* api, weir_stream* stream, std::uint32_t which)
      : api_(api), stream_(stream), which_(which) {}

  std::uint64_t size() const { return api_->body_size(stream_, which_); }
  // Contiguous bytes at an offset; empty at the end.
  std::string_view Piece(std::uint64_t offset) const {
    return Text(api_->body_piece(stream_, which_, offset));
  }
  // Calls visit(piece) for each contiguous piece.
  template <typename Visit>
  void ForEachPiece(Visit&& visit) const {
    for (std::uint64_t at = 0;;) {
      const std::string_view piece = Text(api_->body_piece(stream_, which_, at));
      if (piece.empty()) return;
      visit(piece);
      at += piece.size();
    }
  }
  std::string ToString() const {
    std::string all;
    all.reserve(static_cast<std::size_t>(size()));
    ForEachPiece([&all](std::string_view piece) { all.append(piece); });
    return all;
  }

  bool Drain(std::uint64_t size) const {
    return api_->body_drain(stream_, which_, size) == WEIR_OK;
  }
  bool Append(std::string_view data) const {
    return api_->body_append(stream_, which_, View(data)) == WEIR_OK;
  }
  bool Replace(std::string_view data) const { return Drain(size()) && Append(data); }
  // The announced length; only as long as the head has not gone on.
  bool SetLength(std::uint64_t length) const {
    return api_->body_length(stream_, which_, length) == WEIR_OK;
  }
  // Between hooks, with nothing withheld: passes bytes to the later filters now.
  bool Inject(std::string_view data) const {
    return api_->inject(stream_, which_, View(data)) == WEIR_OK;
  }

 private:
  const weir_http_api* api_;
  weir_stream* stream_;
  std::uint32_t which_;
};

// An answer in place of the backend's.
struct Reply {
  std::uint32_t status = 500;
  std::string_view body = {};
  std::string_view details = {};  // RESPONSE_CODE_DETAILS; empty: the host names the filter
  std::vector<std::pair<std::string_view, std::string_view>> fields = {};
  const FieldList* list = nullptr;  // in place of `fields`, for what a configuration gives
};

// One stream, as a filter or a logger sees it. Cheap to copy; valid until the filter's destructor.
class HttpStream {
 public:
  HttpStream(const weir_http_api* api, weir_stream* stream) : api_(api), stream_(stream) {}

  const weir_http_api* api() const { return api_; }
  weir_stream* handle() const { return stream_; }

  Fields request() const { return {api_, stream_, WEIR_REQUEST}; }
  Fields response() const { return {api_, stream_, WEIR_RESPONSE}; }
  Fields request_trailers() const { return {api_, stream_, WEIR_REQUEST_TRAILERS}; }
  Fields response_trailers() const { return {api_, stream_, WEIR_RESPONSE_TRAILERS}; }
  Body request_body() const { return {api_, stream_, WEIR_REQUEST}; }
  Body response_body() const { return {api_, stream_, WEIR_RESPONSE}; }

  std::string_view method() const { return Start(":method"); }
  std::string_view path() const { return Start(":path"); }
  std::string_view authority() const { return Start(":authority"); }
  std::string_view scheme() const { return Start(":scheme"); }
  std::string_view protocol() const { return Start(":protocol"); }
  bool SetPath(std::string_view path) const { return SetStart(":path", path); }
  bool SetAuthority(std::string_view authority) const { return SetStart(":authority", authority); }
  // 0: no response yet.
  std::uint32_t status() const { return api_->status(stream_); }
  bool SetStatus(std::uint32_t status) const {
    return api_->set_status(stream_, status) == WEIR_OK;
  }

  // Takes effect when the hook has returned; answer kStopAll then.
  bool LocalReply(const Reply& reply) const {
    if (reply.list != nullptr) {
      return LocalReply(reply, reply.list->data(), reply.list->size());
    }
    std::vector<weir_field> extra(reply.fields.size());
    for (std::size_t i = 0; i < extra.size(); ++i) {
      if (!MakeField(reply.fields[i].first, reply.fields[i].second, &extra[i])) return false;
    }
    return LocalReply(reply, extra.data(), static_cast<std::uint32_t>(extra.size()));
  }
  bool Reset() const { return api_->reset(stream_) == WEIR_OK; }

  // A message that was stopped goes on.
  bool Resume(std::uint32_t which) const { return api_->resume(ticket(), which) == WEIR_OK; }
  weir_ticket ticket() const { return api_->ticket(stream_); }

  // WEIR_ATTR_*; empty when it is not known.
  std::string_view Attribute(std::uint32_t id) const {
    weir_view value{};
    return api_->attribute(stream_, id, &value) == WEIR_OK ? Text(value) : std::string_view();
  }
  // WEIR_NUMBER_*.
  std::optional<std::int64_t> Number(std::uint32_t id) const {
    std::int64_t value = 0;
    if (api_->number(stream_, id, &value) != WEIR_OK) return std::nullopt;
    return value;
  }
  std::optional<std::string_view> Metadata(std::string_view space, std::string_view key) const {
    weir_view value{};
    if (api_->metadata(stream_, View(space), View(key), &value) != WEIR_OK) return std::nullopt;
    return Text(value);
  }
  bool SetMetadata(std::string_view space, std::string_view key, std::string_view value) const {
    return api_->set_metadata(stream_, View(space), View(key), View(value)) == WEIR_OK;
  }
  bool SetFlag(std::string_view flag) const {
    return api_->set_flag(stream_, View(flag)) == WEIR_OK;
  }
  // which: WEIR_REQUEST or WEIR_RESPONSE.
  bool SetBufferLimit(std::uint32_t which, std::uint64_t bytes) const {
    return api_->set_buffer_limit(stream_, which, bytes) == WEIR_OK;
  }
  bool RefreshRoute() const { return api_->refresh_route(stream_) == WEIR_OK; }
  // which: WEIR_REQUEST_TRAILERS or WEIR_RESPONSE_TRAILERS.
  bool AddTrailers(std::uint32_t which) const {
    return api_->add_trailers(stream_, which) == WEIR_OK;
  }

 private:
  bool LocalReply(const Reply& reply, const weir_field* fields, std::uint32_t count) const {
    return api_->local_reply(stream_, reply.status, View(reply.body), fields, count,
                             View(reply.details)) == WEIR_OK;
  }
  std::string_view Start(std::string_view name) const {
    weir_view value{};
    return api_->get_start(stream_, View(name), &value) == WEIR_OK ? Text(value)
                                                                   : std::string_view();
  }
  bool SetStart(std::string_view name, std::string_view value) const {
    return api_->set_start(stream_, View(name), View(value)) == WEIR_OK;
  }

  const weir_http_api* api_;
  weir_stream* stream_;
};

}  // namespace weir::sdk
