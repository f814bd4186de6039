#include "filters/http/compressor/compressor.h"

#include <algorithm>
#include <optional>
#include <string>

#include "plugins/util/list.h"

namespace weir::filters {
namespace {

using sdk::Fields;
using sdk::Status;

constexpr std::string_view kAcceptEncoding = "accept-encoding";
constexpr std::string_view kStatusHeader = "x-envoy-compression-status";

// Digests of the content or of the representation: compressed, they would be wrong (RFC 9530).
constexpr std::string_view kDigests[] = {"content-digest", "repr-digest", "digest", "content-md5"};

bool AnyHas(const Fields& fields, std::uint32_t token, std::string_view entry) {
  for (std::uint32_t i = 0; const auto value = fields.FindToken(token, i); ++i) {
    if (util::ListHas(*value, entry)) return true;
  }
  return false;
}

std::optional<std::uint64_t> ReadLength(std::string_view text) {
  std::uint64_t length = 0;
  if (text.empty() || text.size() > 19) return std::nullopt;
  for (const char c : text) {
    if (!util::IsDigit(c)) return std::nullopt;
    length = length * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return length;
}

bool IsWeak(std::string_view etag) {
  return etag.size() > 2 && (etag[0] == 'W' || etag[0] == 'w') && etag[1] == '/';
}

// The status says that there is no body, that it is a part of one, or a tunnel.
bool IsWhole(std::uint32_t status) {
  return status >= 200 && status != 204 && status != 205 && status != 206 && status != 304;
}

}  // namespace

bool Compressor::Enabled() const {
  const CompressorRouteConfig* const route = route_config();
  return route == nullptr ? config().enabled : !route->disabled;
}

const Libraries& Compressor::libraries() const {
  const CompressorRouteConfig* const route = route_config();
  return route == nullptr || route->libraries.empty() ? config().libraries : route->libraries;
}

// The coding with the greatest weight, among equals the one that the configuration prefers; none
// where the client would rather have the body as it is.
void Compressor::Choose() {
  const Libraries& offer = libraries();
  AcceptEncoding accept;
  for (std::uint32_t i = 0; const auto value = request().FindToken(WEIR_TOKEN_ACCEPT_ENCODING, i);
       ++i) {
    accept.Read(*value, offer.names.data(), offer.names.size());
  }
  int best = 0;
  for (std::size_t i = 0; i < offer.names.size(); ++i) {
    if (accept.Weight(i) <= best) continue;
    best = accept.Weight(i);
    choice_ = static_cast<std::int8_t>(i);
  }
  const CompressorCounters& counters = config().counters;
  if (!accept.seen()) {
    counters.no_accept.Add();
  } else if (accept.identity() > best) {
    choice_ = kNone;
    counters.identity.Add();
  } else if (choice_ == kNone) {
    counters.not_valid.Add();
  } else {
    (accept.wildcard() ? counters.wildcard : counters.used).Add();
  }
}

Status Compressor::OnRequestHeaders(bool) {
  if (!Enabled()) return Status::kContinue;
  // A tunnel's bytes are nobody's to change.
  if (stream().method() == "CONNECT" || !stream().protocol().empty()) return Status::kContinue;
  asked_ = true;
  Choose();
  const CompressorRouteConfig* const route = route_config();
  const bool remove = route == nullptr
                          ? config().remove_accept_encoding
                          : route->remove_accept_encoding.value_or(config().remove_accept_encoding);
  if (remove && !request().Remove(kAcceptEncoding)) return Status::kFail;
  return Status::kContinue;
}

// Why the answer itself is not to be compressed, whoever asks for it, in Envoy's word; empty where
// it has none. Null: it may be.
const char* Compressor::Obstacle() const {
  const std::uint32_t status = stream().status();
  const auto& codes = config().uncompressible_codes;
  if (!IsWhole(status) || std::find(codes.begin(), codes.end(), status) != codes.end()) {
    return "StatusCodeNotAllowed";
  }
  const Fields fields = response();
  const auto type = fields.FindToken(WEIR_TOKEN_CONTENT_TYPE);
  if (!type || !config().HasType(*type)) return "ContentTypeNotAllowed";
  const bool fixed = fields.FindToken(WEIR_TOKEN_CONTENT_ENCODING) ||
                     fields.FindToken(WEIR_TOKEN_CONTENT_RANGE) ||
                     AnyHas(fields, WEIR_TOKEN_CACHE_CONTROL, "no-transform") ||
                     std::any_of(std::begin(kDigests), std::end(kDigests),
                                 [&fields](std::string_view name) { return fields.Has(name); });
  return fixed ? "" : nullptr;
}

bool Compressor::SizeAllows() const {
  const auto text = response().FindToken(WEIR_TOKEN_CONTENT_LENGTH);
  const auto length = text ? ReadLength(*text) : std::nullopt;
  return !length || *length >= config().min_content_length;
}

bool Compressor::EtagAllows() const {
  return !config().disable_on_etag || !response().FindToken(WEIR_TOKEN_ETAG);
}

// Once, whatever stands there already.
void Compressor::AddVary() const {
  const Fields fields = response();
  std::string all;
  for (std::uint32_t i = 0; const auto value = fields.FindToken(WEIR_TOKEN_VARY, i); ++i) {
    if (util::ListHas(*value, kAcceptEncoding) || util::ListHas(*value, "*")) return;
    if (!all.empty()) all += ", ";
    all += *value;
  }
  if (!all.empty()) all += ", ";
  fields.Set("vary", all + "Accept-Encoding");
}

// The compressed bytes differ from those that the strong validator stands for (RFC 9110 section
// 8.8.1), the meaning does not.
void Compressor::WeakenEtag() const {
  const auto etag = response().FindToken(WEIR_TOKEN_ETAG);
  if (!etag || IsWeak(*etag)) return;
  response().Set("etag", "W/" + std::string(*etag));
}

// False: it cannot be compressed now, and is as it was.
bool Compressor::Begin() {
  const Libraries& offer = libraries();
  const auto choice = static_cast<std::size_t>(static_cast<std::uint8_t>(choice_));
  if (choice >= offer.encoders.size()) return false;  // the route is another one now
  encoder_ = MakeEncoder(offer.encoders[choice]);
  if (encoder_ == nullptr) {
    config().counters.errors.Add();
    return false;
  }
  if (!response().Set("content-encoding", offer.names[choice])) {
    encoder_.reset();
    return false;
  }
  response().Remove("accept-ranges");
  WeakenEtag();
  return true;
}

// To a client that asked for a coding that is on offer. What another filter has said stays.
void Compressor::Say(const std::string& status) const {
  const auto choice = static_cast<std::size_t>(choice_);
  if (!config().status_header || choice_ == kNone || choice >= libraries().names.size()) return;
  std::string all = response().Joined(kStatusHeader).value_or("");
  if (!all.empty()) all += ",";
  response().Set(kStatusHeader, all.append(libraries().names[choice]) + ";" + status);
}

Status Compressor::OnResponseHeaders(bool end_stream) {
  const bool head = stream().method() == "HEAD";
  const CompressorCounters& counters = config().counters;
  if (asked_ && (!end_stream || head) && Enabled()) {
    const char* obstacle = Obstacle();
    if (obstacle == nullptr && !SizeAllows()) {
      if (choice_ != kNone) counters.too_small.Add();
      obstacle = "ContentLengthTooSmall";
    } else if (obstacle == nullptr && !EtagAllows()) {
      counters.etag.Add();
      obstacle = "EtagNotAllowed";
    }
    if (obstacle == nullptr) {
      AddVary();
      const auto length = response().FindToken(WEIR_TOKEN_CONTENT_LENGTH);
      const std::string was = length ? ";OriginalLength=" + std::string(*length) : "";
      if (choice_ != kNone && !end_stream && !head && Begin()) {
        counters.compressed.Add();
        Say("Compressed" + was);
        return Status::kContinue;
      }
    } else if (*obstacle != '\0') {
      Say(obstacle);
    }
  }
  if (asked_) counters.not_compressed.Add();
  // It goes by as it is: the host need not forget its length.
  const auto text = end_stream ? std::nullopt : response().FindToken(WEIR_TOKEN_CONTENT_LENGTH);
  if (const auto length = text ? ReadLength(*text) : std::nullopt) {
    stream().response_body().SetLength(*length);
  }
  return Status::kContinue;
}

Status Compressor::OnResponseData(bool end_stream) {
  if (encoder_ == nullptr) return Status::kContinue;
  const sdk::Body body = stream().response_body();
  const std::uint64_t size = body.size();
  if (size == 0 && !end_stream) return Status::kContinue;
  std::string out;
  bool ok = true;
  body.ForEachPiece(
      [&](std::string_view piece) { ok = ok && encoder_->Run(piece, Encoder::Then::kMore, &out); });
  ok = ok && encoder_->Run({}, end_stream ? Encoder::Then::kFinish : Encoder::Then::kFlush, &out);
  // A body that ends early is never passed off as a whole one.
  if (!ok || !body.Drain(size) || !body.Append(out)) {
    config().counters.errors.Add();
    stream().Reset();
    return Status::kStop;
  }
  config().counters.bytes_in.Add(size);
  config().counters.bytes_out.Add(out.size());
  if (end_stream) encoder_.reset();
  return Status::kContinue;
}

namespace {
constexpr char kName[] = "compressor";
}  // namespace

const weir_http_filter_api kCompressorApi = sdk::HttpFilterApi<Compressor, kName>();

}  // namespace weir::filters
