#include "core/upstream/connect_failure.h"

#include <cerrno>

namespace weir::upstream {

std::string_view ConnectFailureText(int error) {
  switch (error) {
    case ECONNREFUSED:
      return "connection refused";
    case ECONNRESET:
    case EPIPE:
      return "connection reset by peer";
    case ENETUNREACH:
    case EHOSTUNREACH:
      return "host unreachable";
    case ETIMEDOUT:
      return "connection timed out";
    case ENOENT:
      return "no such socket";
    case EACCES:
    case EPERM:
      return "not permitted";
    case EMFILE:
    case ENFILE:
      return "no file descriptor left";
    case EADDRNOTAVAIL:
      return "no local address left";
    case EPROTO:
      return "TLS handshake failed";
    default:
      return "connection failed";
  }
}

}  // namespace weir::upstream
