// A protocol of its own behind a listener, as a codec: one line a request, and the proxy does the
// rest. `line_codec` is a codec for the server position; clients speak it with nothing but netcat.
//
//   client:  GET /path\n                      at most one at a time; further lines wait
//   server:  200\n                            the status
//            content-type: text/plain\n       fields
//            \n
//            5\nhello                         pieces of the body, each behind its size
//            0\n                              the end; then the next line of the client is read
//
//   listeners:
//     - address: 127.0.0.1:7000
//       http: { codecs: [line_codec], routes: [...] }
#include <algorithm>
#include <cstring>
#include <new>
#include <string>
#include <string_view>

#include "plugins/sdk/codec_table.h"
#include "plugins/sdk/weir.hpp"

namespace {

struct LineConfig {};

bool ReadConfig(const weir_config_api& api, const weir_node* node, LineConfig*) {
  if (api.kind(node) == WEIR_NODE_NULL) return true;
  api.error(node, weir::sdk::View("line_codec takes no configuration"));
  return false;
}

class LineCodec {
 public:
  static LineCodec* Create(const weir_codec_params& params) {
    if (params.position != WEIR_SERVER) return nullptr;
    void* const memory = params.codec_host->alloc(sizeof(LineCodec));
    return memory == nullptr ? nullptr : new (memory) LineCodec(params);
  }
  void Destroy() {
    const weir_codec_host* const host = host_;
    this->~LineCodec();
    host->free(this, sizeof(LineCodec));
  }

  std::size_t Receive(std::uint8_t* data, std::size_t size, std::uint32_t how, weir_event* event);
  void Adopt(std::uint32_t stream, weir_stream* user) {
    if (stream == stream_) user_ = user;
  }
  std::uint32_t Open(weir_stream*) { return 0; }
  std::int32_t SendHead(std::uint32_t stream, const weir_head& head, std::uint32_t end,
                        weir_out* out);
  void Ready(std::uint32_t) {}
  void Consumed(std::uint32_t, std::uint32_t) {}  // a request has no body
  void Reset(std::uint32_t stream, std::uint32_t, weir_out*) {
    if (stream != stream_ || stream == 0) return;
    // The client could not tell a cut answer from a whole one.
    closing_ = true;
    Forget();
  }
  std::uint32_t Produce(std::uint64_t budget, weir_out* out);
  void GoAway(std::uint32_t, weir_out*) { closing_ = true; }
  std::uint32_t Capacity() const { return closing_ || stream_ != 0 ? 0 : 1; }
  std::uint32_t Reusable() const { return closing_ ? 0 : 1; }

 private:
  explicit LineCodec(const weir_codec_params& params)
      : host_(params.codec_host), max_line_(params.max_head_bytes) {}

  std::size_t Line(std::string_view line, weir_event* event);
  std::size_t Fail(weir_event* event, std::uint16_t reason, const char* detail, std::size_t size);
  void Write(std::string_view text, weir_out* out) const {
    host_->out_room(out, text.size());
    std::memcpy(out->at, text.data(), text.size());
    out->at += text.size();
  }
  void Finish(weir_out* out) {
    Write("0\n", out);
    Forget();
  }
  void Forget() {
    stream_ = 0;
    user_ = nullptr;
    head_sent_ = false;
  }

  const weir_codec_host* const host_;
  const std::size_t max_line_;
  weir_head head_{};
  weir_stream* user_ = nullptr;
  std::uint32_t stream_ = 0;  // the one that is under way; 0: none
  std::uint32_t last_ = 0;
  bool head_sent_ = false;
  bool closing_ = false;
};

std::size_t LineCodec::Fail(weir_event* event, std::uint16_t reason, const char* detail,
                            std::size_t size) {
  closing_ = true;
  event->type = WEIR_EVENT_ERROR;
  event->error.scope = WEIR_SCOPE_CONNECTION;
  event->error.reason = reason;
  event->error.detail = detail;
  return size;
}

std::size_t LineCodec::Receive(std::uint8_t* data, std::size_t size, std::uint32_t how,
                               weir_event* event) {
  *event = {};
  if (stream_ != 0) {
    if (size > 0) event->type = WEIR_EVENT_BLOCKED;
    if ((how & WEIR_RECEIVE_EOF) != 0 && size == 0) closing_ = true;
    return 0;
  }
  if (closing_) return size;
  const void* const end = size == 0 ? nullptr : std::memchr(data, '\n', size);
  if (end != nullptr) {
    const auto length = static_cast<std::size_t>(static_cast<const std::uint8_t*>(end) - data);
    if (length <= max_line_) {
      return Line({reinterpret_cast<const char*>(data), length}, event);
    }
  }
  if (size > max_line_) return Fail(event, WEIR_REASON_OVERFLOW, "line_codec.too_long", size);
  if ((how & WEIR_RECEIVE_EXPIRED) != 0) {
    return Fail(event, WEIR_REASON_TIMEOUT, "line_codec.timeout", size);
  }
  if ((how & WEIR_RECEIVE_EOF) != 0) {
    closing_ = true;
    return size;
  }
  return 0;
}

// Finds structure alone: the host checks what the bytes of a message may be.
std::size_t LineCodec::Line(std::string_view line, weir_event* event) {
  const std::size_t used = line.size() + 1;
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  const std::size_t space = line.find(' ');
  if (space == 0 || space == std::string_view::npos || line.substr(space + 1, 1) != "/") {
    return Fail(event, WEIR_REASON_PROTOCOL, "line_codec.no_request", used);
  }
  head_ = {};
  head_.struct_size = sizeof head_;
  head_.kind = WEIR_HEAD_REQUEST;
  head_.http_version = 11;
  head_.method = weir::sdk::View(line.substr(0, space));
  head_.authority = weir::sdk::View("line");
  head_.path = weir::sdk::View(line.substr(space + 1));
  stream_ = ++last_;
  event->type = WEIR_EVENT_HEAD;
  event->stream = stream_;
  event->end_stream = 1;
  event->head = &head_;
  return used;
}

std::int32_t LineCodec::SendHead(std::uint32_t stream, const weir_head& head, std::uint32_t end,
                                 weir_out* out) {
  if (stream != stream_ || stream == 0) return WEIR_REFUSED;
  if (head.kind == WEIR_HEAD_INTERIM) return WEIR_OK;  // there is no word for it
  Write(std::to_string(head.status) + "\n", out);
  for (std::uint32_t i = 0; i < head.field_count; ++i) {
    const weir_field& field = head.fields[i];
    if ((field.flags & WEIR_FIELD_REMOVED) != 0) continue;
    Write({field.name, field.name_size}, out);
    Write(": ", out);
    // A room is at most 64 KiB.
    for (std::string_view value(field.value, field.value_size); !value.empty();) {
      Write(value.substr(0, 32768), out);
      value.remove_prefix(std::min<std::size_t>(value.size(), 32768));
    }
    Write("\n", out);
  }
  Write("\n", out);
  head_sent_ = true;
  if ((head.flags & WEIR_HEAD_CLOSE) != 0) closing_ = true;
  if (end != 0) Finish(out);
  return WEIR_OK;
}

std::uint32_t LineCodec::Produce(std::uint64_t budget, weir_out* out) {
  if (stream_ != 0 && user_ != nullptr && head_sent_) {
    weir_body_info info{};
    host_->body(user_, &info);
    const std::uint64_t size = std::min(info.available, budget);
    if (size > 0) {
      Write(std::to_string(size) + "\n", out);
      host_->take_body(user_, out, size);
    }
    if (size < info.available) return WEIR_PRODUCED_MORE;
    if (info.trailers != 0)
      host_->trailers(user_);  // taken, and dropped: there is no place for them
    if (info.end != 0 || info.trailers != 0) Finish(out);
  }
  return closing_ && stream_ == 0 ? WEIR_PRODUCED_CLOSE : 0;
}

constexpr weir_codec_api kApi =
    weir::sdk::CodecTable<LineCodec, LineConfig, ReadConfig>::Make(0, nullptr, nullptr);
constexpr weir_extension kExtensions[] = {{WEIR_KIND_CODEC, 0, "line_codec", &kApi}};

}  // namespace

extern "C" WEIR_PLUGIN(line_codec) = weir::sdk::Descriptor("line_codec", "1.0", kExtensions);
