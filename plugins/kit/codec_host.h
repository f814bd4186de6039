#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "plugins/abi/weir.h"
#include "plugins/kit/trial.h"

namespace weir::kit {

// What a host does for a codec under trial; says what the codec does wrong with it. One at a time
// per thread.
class CodecHost {
 public:
  explicit CodecHost(Verdict* verdict);
  ~CodecHost();
  CodecHost(const CodecHost&) = delete;
  CodecHost& operator=(const CodecHost&) = delete;

  weir_codec_params Params(std::uint8_t position, void* config) const;
  weir_out* out() { return &out_; }
  // Bytes that were written since the last call, and taken from bodies.
  std::size_t TakeOutput();
  // From here on alloc fails after so many more; negative: never.
  void FailAllocationsAfter(int count) { allocations_left_ = count; }
  // Reports memory that was not given back.
  void CheckMemory(const char* when);

 private:
  static CodecHost& Of();
  static const weir_codec_host* Table();
  void Commit();
  void Room(std::size_t size);

  weir_out out_{};
  Verdict* const verdict_;
  std::vector<std::uint8_t> room_;
  std::size_t written_ = 0;
  std::map<void*, std::size_t> memory_;
  int allocations_left_ = -1;
};

// The host's half of a stream: what waits to be sent.
struct CodecStream {
  std::uint64_t available = 0;
  bool end = true;
  weir_stream* handle() { return reinterpret_cast<weir_stream*>(this); }
};

}  // namespace weir::kit
