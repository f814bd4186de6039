#include "core/net/tls/openssl.h"

#include <openssl/err.h>

namespace weir::net::tls {

std::string TakeReason() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  std::string text = reason == nullptr ? "unknown reason" : reason;
  ERR_clear_error();
  return text;
}

void ClearErrors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

}  // namespace weir::net::tls
