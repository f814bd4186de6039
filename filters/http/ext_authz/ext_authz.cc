#include "filters/http/ext_authz/ext_authz.h"

#include <algorithm>

#include "plugins/util/token.h"

namespace weir::filters {
namespace {

using sdk::Status;

constexpr std::string_view kDenied = "ext_authz_denied";
constexpr std::string_view kError = "ext_authz_error";
constexpr std::string_view kTooLarge = "request_payload_too_large";
constexpr std::string_view kPartial = "x-envoy-auth-partial-body";
constexpr std::string_view kFailureAllowed = "x-envoy-auth-failure-mode-allowed";
// Of an answer's body. More of it is no answer.
constexpr std::uint64_t kMaxAnswer = 262144;
// What one local reply can carry.
constexpr std::size_t kMaxReplyFields = 64;

// Fields of the client that are its own to say, or the proxy's, even where a pattern is so wide
// that it holds them.
constexpr std::string_view kOwn[] = {"authorization", "cookie", "forwarded", "x-request-id"};
constexpr std::string_view kOwnPrefix = "x-forwarded-";

// What a client gets of a denial beside the list, when there is one; the last two are about the
// body, which it gets in any case.
constexpr std::string_view kAlways[] = {"www-authenticate", "proxy-authenticate", "location",
                                        "content-type", "content-encoding"};

template <std::size_t n>
bool IsOneOf(std::string_view name, const std::string_view (&names)[n]) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool IsFraming(std::string_view name) {
  return name.empty() || name.front() == ':' || util::IsFramingToken(util::FindToken(name));
}

}  // namespace

AuthzBody ExtAuthz::BodySettings() const {
  const ExtAuthzRouteConfig* const route = route_config();
  if (route == nullptr) return config().body;
  return route->no_body ? AuthzBody() : route->body.value_or(config().body);
}

Status ExtAuthz::OnRequestHeaders(bool end_stream) {
  const ExtAuthzRouteConfig* const route = route_config();
  if (route != nullptr && route->disabled) {
    config().disabled.Add();
    return Status::kContinue;
  }
  // Said by this filter alone.
  if (config().failure_mode_header && !request().Remove(kFailureAllowed)) return Status::kFail;
  const bool tunnel = stream().method() == "CONNECT" || !stream().protocol().empty();
  if (stream().path().empty()) {
    // A plain CONNECT: there is no path to ask about, and nobody to say yes.
    config().denied.Add();
    Refuse(403, kDenied);
    return Status::kStopAll;
  }
  if (!end_stream && !tunnel) body_ = BodySettings();
  if (body_.max_bytes > 0 && stream().SetBufferLimit(WEIR_REQUEST, body_.max_bytes)) {
    state_ = State::kBody;
    return Status::kStop;
  }
  if (Ask(false)) return Status::kStopAllWatermark;
  return Fail() ? Status::kContinue : Status::kStopAll;
}

Status ExtAuthz::OnRequestData(bool end_stream) {
  if (state_ != State::kBody) {
    return state_ == State::kAsking ? Status::kStopWatermark : Status::kContinue;
  }
  const std::uint64_t size = stream().request_body().size();
  if (size > body_.max_bytes && !body_.allow_partial) {
    Refuse(413, kTooLarge);
    return Status::kStop;
  }
  const bool enough = end_stream || (body_.allow_partial && size >= body_.max_bytes);
  if (!enough || Ask(!end_stream || size > body_.max_bytes)) return Status::kStopWatermark;
  return Fail() ? Status::kContinue : Status::kStop;
}

// What the service sees of the client's fields.
ExtAuthz::FieldList ExtAuthz::Fields() const {
  FieldList fields;
  const auto added = [this](std::string_view name) {
    return std::any_of(config().headers_to_add.begin(), config().headers_to_add.end(),
                       [name](const auto& header) { return header.first == name; });
  };
  request().ForEach([&](std::string_view name, std::string_view value) {
    if (IsFraming(name) || name == kPartial || added(name)) return;
    if (name != "authorization" && !config().request_headers.Has(name)) return;
    if (!config().disallowed_headers.Has(name)) fields.emplace_back(name, value);
  });
  for (const auto& [name, value] : config().headers_to_add) fields.emplace_back(name, value);
  return fields;
}

// False: it cannot be asked.
bool ExtAuthz::Ask(bool partial) {
  if (!WEIR_HAS(host().abi(), callout) || host().abi()->callout == nullptr) return false;
  const bool whole = body_.max_bytes > 0;
  std::string body;
  if (whole) {
    stream().request_body().ForEachPiece([&](std::string_view piece) {
      body.append(piece.substr(0, static_cast<std::size_t>(body_.max_bytes - body.size())));
    });
  }
  std::string path(stream().path());
  if (path.front() != '/') path.insert(0, "/");
  path.insert(0, config().path_prefix);
  sdk::CalloutRequest ask;
  ask.cluster = config().cluster;
  // A tunnel of HTTP/2 is asked for by the method that it has in HTTP/1.1.
  ask.method = stream().protocol().empty() ? stream().method() : std::string_view("GET");
  ask.authority = stream().authority();
  ask.path = path;
  ask.fields = Fields();
  if (whole) ask.fields.emplace_back(kPartial, partial ? "true" : "false");
  ask.body = body;
  ask.timeout_ms = config().timeout_ms;
  ask.max_body_bytes = kMaxAnswer;
  if (!callout_.Start(host(), ask, [this](sdk::CalloutResponse&& answer) { OnAnswer(answer); })) {
    return false;
  }
  state_ = State::kAsking;
  return true;
}

void ExtAuthz::OnAnswer(const sdk::CalloutResponse& answer) {
  if (!answer.ok() || answer.status >= 500 || answer.status < 200) {
    if (answer.reason == WEIR_REASON_TIMEOUT) config().timeout.Add();
    if (Fail()) stream().Resume(WEIR_REQUEST);
  } else if (answer.status == 200) {
    Allow(answer);
  } else {
    Deny(answer);
  }
}

// Whether a field says what the service alone may say.
bool ExtAuthz::IsForeign(std::string_view name) const {
  if (IsFraming(name) || IsOneOf(name, kOwn)) return false;
  if (name.substr(0, kOwnPrefix.size()) == kOwnPrefix) return false;
  return config().upstream_headers.Has(name);
}

// The client must not be able to say in the service's place who it is.
bool ExtAuthz::RemoveForeign(bool* changed) {
  if (!config().upstream_headers.set()) return true;
  std::vector<std::string> names;
  request().ForEach([&](std::string_view name, std::string_view) {
    if (IsForeign(name)) names.emplace_back(name);
  });
  *changed = *changed || !names.empty();
  return std::all_of(names.begin(), names.end(),
                     [this](const std::string& name) { return request().Remove(name); });
}

bool ExtAuthz::Apply(const sdk::CalloutResponse& answer, bool* changed) {
  const sdk::Fields fields = request();
  std::vector<std::string_view> set;
  for (const auto& [name, value] : answer.fields) {
    if (IsFraming(name)) continue;
    if (config().upstream_headers.Has(name)) {
      const bool again = std::find(set.begin(), set.end(), name) != set.end();
      if (!(again ? fields.Add(name, value) : fields.Set(name, value))) return false;
      set.push_back(name);
      *changed = true;
    } else if (config().upstream_headers_append.Has(name)) {
      if (!fields.Add(name, value)) return false;
      *changed = true;
    }
    if (config().client_headers_on_success.Has(name)) for_client_.emplace_back(name, value);
  }
  return true;
}

void ExtAuthz::Allow(const sdk::CalloutResponse& answer) {
  bool changed = false;
  if (!RemoveForeign(&changed) || !Apply(answer, &changed)) {
    config().error.Add();
    Refuse(500, kError);
    return;
  }
  config().passed.Add();
  state_ = State::kAllowed;
  // Where no route is left the request is answered with 404 when it goes on.
  if (changed && config().clear_route_cache) stream().RefreshRoute();
  stream().Resume(WEIR_REQUEST);
}

void ExtAuthz::Deny(const sdk::CalloutResponse& answer) {
  config().denied.Add();
  state_ = State::kOver;
  sdk::Reply reply;
  // A success that is not a yes must not look like one.
  reply.status = answer.status < 300 ? 403 : answer.status;
  reply.details = kDenied;
  if (reply.status != 304) reply.body = answer.body;
  const bool all = !config().client_headers.set();
  for (const auto& [name, value] : answer.fields) {
    if (IsFraming(name) || reply.fields.size() == kMaxReplyFields) continue;
    if (all || IsOneOf(name, kAlways) || config().client_headers.Has(name)) {
      reply.fields.emplace_back(name, value);
    }
  }
  stream().SetFlag("UAEX");
  // Nothing would end the request that waits if the answer had no room.
  if (!stream().LocalReply(reply)) Refuse(reply.status, kDenied);
}

bool ExtAuthz::Fail() {
  config().error.Add();
  bool changed = false;
  if (!config().failure_mode_allow || !RemoveForeign(&changed) ||
      (config().failure_mode_header && !request().Set(kFailureAllowed, "true"))) {
    Refuse(config().status_on_error, kError);
    return false;
  }
  config().failure_allowed.Add();
  state_ = State::kAllowed;
  return true;
}

void ExtAuthz::Refuse(std::uint32_t status, std::string_view details) {
  state_ = State::kOver;
  stream().SetFlag("UAEX");
  if (!stream().LocalReply({status, {}, details, {}})) stream().Reset();
}

Status ExtAuthz::OnResponseHeaders(bool) {
  for (const auto& [name, value] : for_client_) {
    if (!response().Add(name, value)) return Status::kFail;
  }
  return Status::kContinue;
}

namespace {
constexpr char kName[] = "ext_authz";
}  // namespace

const weir_http_filter_api kExtAuthzApi = sdk::HttpFilterApi<ExtAuthz, kName>();

}  // namespace weir::filters
