// The answer of a DNS server to a question for SRV records: whatever it says, nothing outside of it
// is read, and what is found is fit to be asked for.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "core/net/dns/service_reply.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using weir::net::dns::Status;
  // A copy of its own, so that a read past its end is seen.
  const std::unique_ptr<uint8_t[]> copy(new uint8_t[size]);
  if (size != 0) std::memcpy(copy.get(), data, size);
  const auto answer = weir::net::dns::ReadServiceReply(copy.get(), size);
  Require((answer.status == Status::kFound) == answer.error.empty());
  if (answer.status != Status::kFound) return 0;
  Require(!answer.records.empty());
  for (const auto& record : answer.records) {
    Require(record.port != 0 && !record.target.empty() && record.target.size() <= 253);
  }
  return 0;
}
