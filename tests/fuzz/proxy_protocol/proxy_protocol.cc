// The header of the PROXY protocol: what is found does not depend on how many bytes came at a time,
// nothing outside of the header is told, and a verdict once given stays.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "filters/listener/proxy_protocol/header.h"

namespace weir::proxy_protocol {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void Run(std::string_view all) {
  Header whole;
  const Verdict last = ReadHeader(all, &whole);
  Verdict verdict = Verdict::kMore;
  Header header;
  size_t size = 0;
  for (; size <= all.size() && verdict == Verdict::kMore; ++size) {
    // A copy of its own, so that a read past its end is seen.
    const std::unique_ptr<char[]> copy(new char[size]);
    all.copy(copy.get(), size);
    verdict = ReadHeader({copy.get(), size}, &header);
    Require(header.size <= kMaxHeader || verdict == Verdict::kBad);
    if (verdict == Verdict::kWhole) Require(header.size == size);
  }
  Require(verdict == last);
  if (last != Verdict::kWhole) return;
  Require(whole.size == header.size && whole.family == header.family);
  std::string_view tlvs = whole.tlvs;
  Require(tlvs.empty() || tlvs.data() + tlvs.size() == all.data() + whole.size);
  Tlv tlv{};
  while (TakeTlv(&tlvs, &tlv)) {
  }
  Require(tlvs.empty());
}

}  // namespace
}  // namespace weir::proxy_protocol

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 5000) return 0;
  weir::proxy_protocol::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
