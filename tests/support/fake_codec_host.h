#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "plugins/abi/weir.h"

namespace weir::test {

// The host's half of a stream, for a codec under test: what waits to be sent.
struct FakeStream {
  std::string body;
  bool end = false;                     // nothing follows `body`
  const weir_head* trailers = nullptr;  // with `end`: they follow `body`
  bool sent_all = false;                // the codec has taken the end
  std::uint64_t taken = 0;

  weir_stream* handle() { return reinterpret_cast<weir_stream*>(this); }
  static FakeStream* From(weir_stream* stream) { return reinterpret_cast<FakeStream*>(stream); }
};

// Where a codec under test writes: out_room gives exactly the room that was asked for, so that a
// write beyond it is seen (by the address sanitizer, and by a mark behind the room).
class FakeOut {
 public:
  FakeOut();
  ~FakeOut();
  FakeOut(const FakeOut&) = delete;
  FakeOut& operator=(const FakeOut&) = delete;

  weir_out* out() { return &out_; }
  // All that was written since the last call.
  std::string Take();

  static FakeOut* From(weir_out* out) { return reinterpret_cast<FakeOut*>(out); }
  void Room(std::size_t size);
  void Append(const std::string& bytes);

 private:
  void Commit();

  weir_out out_{};  // first: From relies on it
  std::uint8_t* room_ = nullptr;
  std::string bytes_;
};

// The table of what a host does for codecs, over the two above. Memory is counted.
const weir_codec_host* FakeCodecHost();
// Bytes that codecs have of it now.
std::size_t FakeCodecMemory();
// From here on alloc fails after `count` more successes; negative: never.
void FailAllocationsAfter(int count);

// Params with the defaults of the product.
weir_codec_params FakeCodecParams(std::uint8_t position);

}  // namespace weir::test
