// A client's connection: whatever a server sends and a host asks for, the rules of the ABI hold and
// each frame that is written is one that a server accepts.
#include "tests/fuzz/h2_server/h2_connection.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::h2::H2Connection(WEIR_CLIENT, data, size).Run();
  return 0;
}
