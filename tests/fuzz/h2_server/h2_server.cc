// A server's connection: whatever a client sends and a host asks for, the rules of the ABI hold and
// each frame that is written is one that a client accepts.
#include "tests/fuzz/h2_server/h2_connection.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::h2::H2Connection(WEIR_SERVER, data, size).Run();
  return 0;
}
