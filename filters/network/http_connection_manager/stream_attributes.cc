// What is known of a stream, for filters and the access log.

#include <algorithm>
#include <iterator>
#include <string>

#include "core/net/tls_attributes.h"
#include "core/net/tls_session.h"
#include "core/observe/server_state.h"
#include "filters/network/http_connection_manager/server_connection.h"
#include "filters/network/http_connection_manager/stream.h"

namespace weir::hcm {
namespace {

std::string_view ProtocolText(uint32_t version) {
  switch (version) {
    case 20:
      return "HTTP/2";
    case 10:
      return "HTTP/1.0";
    default:
      return "HTTP/1.1";
  }
}

// Nothing where there is nothing to say.
std::string_view OrNothing(std::string_view text) {
  return text.empty() ? std::string_view{} : text;
}

}  // namespace

// A text is made once, however often it is asked for: it stands in the arena.
std::string_view Stream::Kept(uint32_t id, std::string_view text) {
  if (texts_ == nullptr) {
    texts_ = arena_.AllocateArray<std::string_view>(kTexts);
    if (texts_ == nullptr) return {};
    std::fill_n(texts_, kTexts, std::string_view{});
  }
  return texts_[id] = arena_.Copy(text);
}

std::string_view Stream::AddressText(uint32_t id, const net::Address& address) {
  char text[net::Address::kMaxText];
  const std::string_view printed{text, address.Print(text)};
  // The backend's address changes from attempt to attempt.
  if (texts_ != nullptr && texts_[id] == printed) return texts_[id];
  return Kept(id, printed);
}

std::string_view Stream::FlagsText() {
  char text[observe::kMaxResponseFlagsText];
  const std::string_view printed{
      text, static_cast<size_t>(observe::WriteResponseFlags(info_.flags, text) - text)};
  if (texts_ != nullptr && texts_[WEIR_ATTR_RESPONSE_FLAGS] == printed)
    return texts_[WEIR_ATTR_RESPONSE_FLAGS];
  return Kept(WEIR_ATTR_RESPONSE_FLAGS, printed);
}

std::string_view Stream::Attribute(uint32_t id) {
  switch (id) {
    case WEIR_ATTR_DOWNSTREAM_ADDRESS:
      // What a trusted proxy said is kept before any filter can change it.
      if (texts_ != nullptr && !texts_[id].empty()) return texts_[id];
      return AddressText(id, downstream_->peer());
    case WEIR_ATTR_DIRECT_ADDRESS:
      return AddressText(id, downstream_->direct());
    case WEIR_ATTR_LOCAL_ADDRESS:
      return AddressText(id, downstream_->local());
    case WEIR_ATTR_ROUTE:
      return route_ == nullptr ? std::string_view{} : OrNothing(route_->config().name);
    case WEIR_ATTR_CLUSTER:
      if (info_.cluster.empty() && route_ != nullptr && route_->forward() != nullptr)
        return OrNothing(route_->forward()->cluster);
      return OrNothing(info_.cluster);
    case WEIR_ATTR_PROTOCOL:
      return ProtocolText(ProtocolVersion());
    case WEIR_ATTR_RESPONSE_CODE_DETAILS:
      return OrNothing(info_.details);
    case WEIR_ATTR_VIRTUAL_HOST:
      return route_ == nullptr ? std::string_view{} : OrNothing(route_->virtual_host().name);
    case WEIR_ATTR_LISTENER:
      return OrNothing(hcm_->config->listener_name);
    case WEIR_ATTR_FILTER_CHAIN:
      return OrNothing(hcm_->config->filter_chain_name);
    case WEIR_ATTR_UPSTREAM_ADDRESS:
      return info_.upstream == nullptr ? std::string_view{} : AddressText(id, *info_.upstream);
    case WEIR_ATTR_UPSTREAM_LOCAL_ADDRESS:
      return info_.upstream_local == nullptr ? std::string_view{}
                                             : AddressText(id, *info_.upstream_local);
    case WEIR_ATTR_UPSTREAM_PROTOCOL:
      return info_.upstream_version == 0 ? std::string_view{}
                                         : ProtocolText(info_.upstream_version);
    case WEIR_ATTR_UPSTREAM_FAILURE:
      return OrNothing(info_.upstream_failure);
    case WEIR_ATTR_RESPONSE_FLAGS:
      return FlagsText();
    case WEIR_ATTR_ORIGINAL_PATH:
      return OriginalPath();
    case WEIR_ATTR_LOCAL_REPLY_BODY:
      return OrNothing(reply_body_);
    default:
      return id >= WEIR_ATTR_REQUESTED_SERVER_NAME && id < kTexts ? TlsAttribute(id)
                                                                  : std::string_view{};
  }
}

// A request that the codec refused has no head that would say it.
uint32_t Stream::ProtocolVersion() const {
  const uint32_t version = request_.head().http_version;
  return version == 0 && downstream_->multiplexed() ? 20 : version;
}

std::string_view Stream::OriginalPath() {
  if (!original_path_.empty()) return original_path_;
  const auto* forward = route_ == nullptr ? nullptr : route_->forward();
  return forward == nullptr || forward->prefix_rewrite.empty() ? std::string_view{}
                                                               : OrNothing(request_.path());
}

// What listener filters found out of a connection whose TLS ends elsewhere.
std::string_view Stream::NotedAttribute(uint32_t id) const {
  const net::ConnectionNotes* notes = downstream_->notes();
  if (notes == nullptr) return {};
  if (id == WEIR_ATTR_REQUESTED_SERVER_NAME) return OrNothing(notes->server_name);
  return id == WEIR_ATTR_ALPN ? OrNothing(notes->alpn) : std::string_view{};
}

std::string_view Stream::ConnectionNote(std::string_view space, std::string_view key) {
  // What the process tells those who ask whether it wants work.
  if (space == "weir.server" && key == "state")
    return observe::StateToTell() == observe::ServerState::kLive ? "LIVE" : "DRAINING";
  const net::ConnectionNotes* notes = downstream_->notes();
  return notes == nullptr ? std::string_view{} : notes->Find(space, key);
}

// Asked of the session once each: some of the answers take some making.
std::string_view Stream::TlsAttribute(uint32_t id) {
  if (texts_ != nullptr && texts_[id].data() != nullptr) return texts_[id];
  const net::TlsSession* tls = downstream_->tls();
  if (tls == nullptr) return NotedAttribute(id);
  const auto keep = [this, id](std::string_view text) {
    return text.empty() ? std::string_view{} : Kept(id, text);
  };
  switch (id) {
    case WEIR_ATTR_REQUESTED_SERVER_NAME:
      return keep(tls->server_name());
    case WEIR_ATTR_ALPN:
      return keep(tls->alpn());
    case WEIR_ATTR_TLS_VERSION:
      return keep(tls->version());
    case WEIR_ATTR_TLS_CIPHER:
      return keep(tls->cipher());
    case WEIR_ATTR_PEER_SUBJECT:
      return tls->peer_verified() ? keep(tls->peer_subject()) : std::string_view{};
    default: {
      std::string text;
      return net::TlsAttribute(tls, id, &text) ? keep(text) : std::string_view{};
    }
  }
}

// Microseconds since the start; the clock of a turn has milliseconds.
bool Stream::Since(uint64_t moment_ms, int64_t* value) const {
  if (moment_ms == 0) return false;
  *value = static_cast<int64_t>(moment_ms - info_.start_ms) * 1000;
  return true;
}

bool Stream::Number(uint32_t id, int64_t* value) {
  const auto is = [value](uint64_t number) {
    *value = static_cast<int64_t>(number);
    return true;
  };
  switch (id) {
    case WEIR_NUMBER_RESPONSE_CODE:
      return is(info_.response_code);
    case WEIR_NUMBER_BYTES_RECEIVED:
      return is(info_.bytes_received);
    case WEIR_NUMBER_BYTES_SENT:
      return is(info_.bytes_sent);
    case WEIR_NUMBER_START_UNIX_US:
      return is(StartUnixUs());
    case WEIR_NUMBER_REQUEST_END_US:
      return Since(info_.request_end_ms, value);
    case WEIR_NUMBER_UPSTREAM_START_US:
      return Since(info_.upstream_start_ms, value);
    case WEIR_NUMBER_UPSTREAM_END_US:
      return Since(info_.upstream_sent_ms, value);
    case WEIR_NUMBER_RESPONSE_START_US:
      return Since(info_.upstream_head_ms, value);
    case WEIR_NUMBER_RESPONSE_END_US:
      return Since(info_.upstream_end_ms, value);
    case WEIR_NUMBER_END_US:
      return Since(info_.end_ms, value);
    case WEIR_NUMBER_ATTEMPTS:
      return is(info_.attempts);
    case WEIR_NUMBER_CONNECTION_ID:
      return is(downstream_->id());
    case WEIR_NUMBER_STREAM_ID:
      return is(uint64_t{worker()->worker_id} << 48 | ticket_);
    case WEIR_NUMBER_DOWNSTREAM_PORT:
      return is(downstream_->peer().port());
    case WEIR_NUMBER_LOCAL_PORT:
      return is(downstream_->local().port());
    case WEIR_NUMBER_SECURE:
      return is(downstream_->tls() != nullptr ? 1 : 0);
    case WEIR_NUMBER_PEER_VERIFIED:
      return is(downstream_->tls() != nullptr && downstream_->tls()->peer_verified() ? 1 : 0);
    case WEIR_NUMBER_LOCAL_REPLY:
      return is(local_reply_ ? 1 : 0);
    default:
      return false;
  }
}

// The same however often it is asked for.
uint64_t Stream::StartUnixUs() {
  if (start_unix_ms_ == 0) {
    const uint64_t age = worker()->reactor->now_ms() - info_.start_ms;
    start_unix_ms_ = static_cast<uint64_t>(UnixMs()) - age;
  }
  return start_unix_ms_ * 1000;
}

}  // namespace weir::hcm
