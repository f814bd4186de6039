#include "core/server/connection_facts.h"

#include <chrono>
#include <utility>

#include "core/net/tls_attributes.h"
#include "core/net/tls_session.h"
#include "plugins/abi/weir.h"

namespace weir::server {
namespace {

int64_t UnixUs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace

ConnectionFacts::ConnectionFacts(const net::Address& peer, const net::Address& local,
                                 const net::Io* io, const net::ConnectionNotes* notes, uint64_t id)
    : peer_(peer), local_(local), io_(io), notes_(notes), id_(id), start_unix_us_(UnixUs()) {}

const net::Address& ConnectionFacts::direct() const {
  return notes_ != nullptr && notes_->direct.family() != 0 ? notes_->direct : peer_;
}

bool ConnectionFacts::Find(uint32_t id, std::string* value) const {
  switch (id) {
    case WEIR_ATTR_DOWNSTREAM_ADDRESS:
      *value = peer_.ToString();
      return true;
    case WEIR_ATTR_DIRECT_ADDRESS:
      *value = direct().ToString();
      return true;
    case WEIR_ATTR_LOCAL_ADDRESS:
      *value = local_.ToString();
      return true;
    default:
      break;
  }
  const net::TlsSession* tls = io_ == nullptr ? nullptr : io_->tls();
  if (tls != nullptr) return net::TlsAttribute(tls, id, value);
  // A connection whose TLS ends elsewhere: what was seen of it.
  if (notes_ == nullptr) return false;
  if (id == WEIR_ATTR_REQUESTED_SERVER_NAME) *value = notes_->server_name;
  if (id == WEIR_ATTR_ALPN) *value = notes_->alpn;
  return !value->empty();
}

bool ConnectionFacts::Attribute(uint32_t id, std::string_view* value) {
  auto found = texts_.find(id);
  if (found == texts_.end()) {
    std::string text;
    if (!Find(id, &text)) return false;
    found = texts_.emplace(id, std::move(text)).first;
  }
  *value = found->second;
  return true;
}

bool ConnectionFacts::Number(uint32_t id, int64_t* value) const {
  const auto is = [value](auto number) {
    *value = static_cast<int64_t>(number);
    return true;
  };
  const net::TlsSession* tls = io_ == nullptr ? nullptr : io_->tls();
  switch (id) {
    case WEIR_NUMBER_BYTES_RECEIVED:
      return is(received_);
    case WEIR_NUMBER_BYTES_SENT:
      return is(sent_);
    case WEIR_NUMBER_START_UNIX_US:
      return is(start_unix_us_);
    case WEIR_NUMBER_CONNECTION_ID:
      return is(id_);
    case WEIR_NUMBER_DOWNSTREAM_PORT:
      return is(peer_.port());
    case WEIR_NUMBER_LOCAL_PORT:
      return is(local_.port());
    case WEIR_NUMBER_SECURE:
      return is(tls != nullptr ? 1 : 0);
    case WEIR_NUMBER_PEER_VERIFIED:
      return is(tls != nullptr && tls->peer_verified() ? 1 : 0);
    default:
      // Its end comes after the last hook.
      return false;
  }
}

bool ConnectionFacts::Note(std::string_view space, std::string_view key,
                           std::string_view* value) const {
  if (notes_ == nullptr) return false;
  *value = notes_->Find(space, key);
  return value->data() != nullptr;
}

}  // namespace weir::server
