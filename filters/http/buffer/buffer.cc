#include "filters/http/buffer/buffer.h"

#include <charconv>
#include <cstdint>
#include <string_view>

#include "plugins/sdk/weir.hpp"

namespace weir::filters {
namespace {

using sdk::ConfigNode;
using sdk::Status;

constexpr char kName[] = "buffer";
constexpr std::int64_t kMostBytes = 1 << 30;  // the host's own bound

bool ReadLimit(const ConfigNode& node, std::uint64_t* out) {
  const ConfigNode limit = node.Get("max_request_bytes");
  if (!limit) return node.Fail("max_request_bytes is missing");
  std::int64_t value = 0;
  if (!limit.Read(1, kMostBytes, &value)) return false;
  *out = static_cast<std::uint64_t>(value);
  return true;
}

struct Config {
  std::uint64_t limit = 0;

  bool Load(const sdk::ConfigLoad& load) {
    if (!load.node) return load.node.Fail("buffer needs max_request_bytes");
    return load.node.ExpectMap(kName) && ReadLimit(load.node, &limit);
  }
};

struct RouteConfig {
  std::uint64_t limit = 0;
  bool disabled = false;

  bool Load(const sdk::ConfigLoad& load) {
    const ConfigNode& root = load.node;
    if (!root) return root.Fail("buffer of a route needs disabled: true or buffer");
    if (!root.ExpectMap(kName)) return false;
    const ConfigNode off = root.Get("disabled");
    const ConfigNode other = root.Get("buffer");
    if (off && other) return root.Fail("a route has one of disabled and buffer, not both");
    if (off) {
      if (!off.Read(&disabled)) return false;
      return disabled || off.Fail("disabled is true, or not there");
    }
    if (!other) return root.Fail("buffer of a route needs disabled: true or buffer");
    return other.ExpectMap(kName) && ReadLimit(other, &limit);
  }
};

class Buffer : public sdk::HttpFilter<Buffer, Config, RouteConfig> {
 public:
  Status OnRequestHeaders(bool end_stream) {
    const RouteConfig* const route = route_config();
    if (end_stream || (route != nullptr && route->disabled) || IsTunnel()) return Status::kContinue;
    limit_ = route != nullptr ? route->limit : config().limit;
    if (AnnouncesMore()) return TooLarge();
    return stream().SetBufferLimit(WEIR_REQUEST, limit_) ? Status::kStop : Status::kFail;
  }

  // The host answers what it keeps over the limit; the last piece is not kept any more.
  Status OnRequestData(bool end_stream) {
    if (limit_ == 0) return Status::kContinue;
    if (!end_stream) return Status::kStop;
    const sdk::Body body = stream().request_body();
    if (body.size() > limit_) return TooLarge();
    if (request().FindToken(WEIR_TOKEN_CONTENT_LENGTH).has_value()) return Status::kContinue;
    return body.SetLength(body.size()) ? Status::kContinue : Status::kFail;
  }

  // No length is set: over HTTP/1.1 trailers stand behind chunks alone.
  Status OnRequestTrailers() { return Status::kContinue; }

 private:
  // What has no end of its own cannot be waited for.
  bool IsTunnel() const { return !stream().protocol().empty() || stream().method() == "CONNECT"; }
  bool AnnouncesMore() const {
    const std::string_view text = request().FindToken(WEIR_TOKEN_CONTENT_LENGTH).value_or("");
    std::uint64_t length = 0;
    std::from_chars(text.data(), text.data() + text.size(), length);
    return length > limit_;
  }

  Status TooLarge() {
    return Answer(
        {.status = 413, .body = "Payload Too Large", .details = "request_payload_too_large"});
  }

  std::uint64_t limit_ = 0;  // 0: this request is not waited for
};

}  // namespace

constinit const weir_http_filter_api kBufferApi = sdk::HttpFilterApi<Buffer, kName>();

}  // namespace weir::filters
