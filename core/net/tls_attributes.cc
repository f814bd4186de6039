#include "core/net/tls_attributes.h"

#include <utility>

#include "core/net/tls_session.h"
#include "plugins/abi/weir.h"

namespace weir::net {
namespace {

std::string OfPeer(const TlsSession& tls, uint32_t id) {
  if (!tls.peer_verified()) return "";
  switch (id) {
    case WEIR_ATTR_PEER_SUBJECT:
      return tls.peer_subject();
    case WEIR_ATTR_PEER_DNS_SAN:
      return tls.peer_names(PeerNames::kDns);
    case WEIR_ATTR_PEER_URI_SAN:
      return tls.peer_names(PeerNames::kUri);
    case WEIR_ATTR_PEER_SERIAL:
      return tls.peer_serial();
    case WEIR_ATTR_PEER_FINGERPRINT_256:
      return tls.peer_fingerprint();
    default:
      return "";
  }
}

std::string Of(const TlsSession& tls, uint32_t id) {
  switch (id) {
    case WEIR_ATTR_REQUESTED_SERVER_NAME:
      return std::string(tls.server_name());
    case WEIR_ATTR_ALPN:
      return std::string(tls.alpn());
    case WEIR_ATTR_TLS_VERSION:
      return std::string(tls.version());
    case WEIR_ATTR_TLS_CIPHER:
      return std::string(tls.cipher());
    case WEIR_ATTR_TLS_SESSION_ID:
      return tls.session_id();
    default:
      return OfPeer(tls, id);
  }
}

}  // namespace

bool TlsAttribute(const TlsSession* tls, uint32_t id, std::string* value) {
  if (tls == nullptr) return false;
  std::string found = Of(*tls, id);
  if (found.empty()) return false;
  *value = std::move(found);
  return true;
}

}  // namespace weir::net
