// A cluster's end of TLS: whatever a hostile backend or wire does, the rules of net::Io hold.
#include "tests/fuzz/tls_server/tls_connection.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using weir::net::tls::TlsIo;
  weir::net::tls::test::TlsConnection(TlsIo::Position::kClient, data, size).Run();
  return 0;
}
