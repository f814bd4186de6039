// Hostile blocks, several on one connection, under limits that change: what libnghttp2 makes of
// them ours makes too, and a decoder under limits keeps the same table as one without.
//
// Input: for each block a byte of what is done, one or two bytes of its length, and the block.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/unit/codecs/h2/hpack/nghttp2_peer.h"

namespace weir::h2::hpack {
namespace {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : at_(data), end_(data + size) {}

  bool done() const { return at_ == end_; }
  uint32_t Byte() { return done() ? 0 : *at_++; }
  Bytes Take(size_t size) {
    size = std::min(size, static_cast<size_t>(end_ - at_));
    at_ += size;
    return Bytes(at_ - size, at_);
  }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
};

[[noreturn]] void Wrong(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

bool IsDead(Status status) {
  return status == Status::kCompression || status == Status::kNoMemory;
}

// Where ours refuses what the other takes: numbers that are padded with empty groups, and a third
// size update.
bool IsStricter(const char* detail) {
  return std::strcmp(detail, "http2.hpack.integer") == 0 ||
         std::strcmp(detail, "http2.hpack.third_size_update") == 0 ||
         std::strcmp(detail, "http2.hpack.size_update_missing") == 0;
}

class Connection {
 public:
  void Run(Input* input) {
    while (!input->done() && Step(input)) {
    }
  }

 private:
  bool Step(Input* input) {
    const uint32_t what = input->Byte();
    if ((what & 1) != 0) SetLimit(input->Byte() * ((what & 2) != 0 ? 256 : 4));
    limited_.max_fields = (what & 4) != 0 ? 3 : 100;
    limited_.max_list_size = (what & 8) != 0 ? 100 : 65536;
    const uint32_t size = input->Byte();
    const Bytes block = input->Take((what & 16) != 0 ? size * 16 : size);
    const Status status = free_.Decode(block);
    if (status == Status::kTooLarge) return false;
    CompareWithLimits(block, status);
    return CompareWithOther(block, status);
  }

  void SetLimit(uint32_t limit) {
    free_.decoder().SetLimit(limit);
    limited_.decoder().SetLimit(limit);
    other_.SetLimit(limit);
  }

  void CompareWithLimits(const Bytes& block, Status status) {
    const Status limited = limited_.Decode(block);
    if (IsDead(limited) != IsDead(status)) Wrong("a limit changes what is an error");
    if (limited == Status::kOk && limited_.Text() != free_.Text()) Wrong("a limit changes fields");
    if (limited != Status::kOk && limited_.block().count != 0) Wrong("fields of a refused block");
    const bool over = free_.block().count > limited_.max_fields ||
                      free_.block().list_size > limited_.max_list_size;
    if (!IsDead(status) && over != (limited != Status::kOk)) Wrong("a limit is not kept");
    if (!IsDead(status) && limited_.TableText() != free_.TableText()) Wrong("out of step");
    if (free_.table().size() > free_.table().max_size()) Wrong("the table is too large");
  }

  bool CompareWithOther(const Bytes& block, Status status) {
    const auto theirs = other_.Decode(block);
    if (!theirs) {
      if (status == Status::kOk) Wrong("the other implementation refuses it");
      return false;
    }
    if (status != Status::kOk) {
      if (!IsStricter(free_.decoder().detail())) Wrong("the other implementation takes it");
      return false;
    }
    if (*theirs != free_.Text()) Wrong("the other implementation sees other fields");
    return true;
  }

  // A field takes a byte of a block at least. Only scratch memory limits this one: beyond it the
  // input ends.
  DecoderUnderTest free_{255 * 16, UINT32_MAX, 1 << 17};
  DecoderUnderTest limited_{100, 65536, 65536};
  Nghttp2Inflater other_;
};

}  // namespace
}  // namespace weir::h2::hpack

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::h2::hpack;
  {
    Input input(data, size);
    Connection connection;
    connection.Run(&input);
  }
  if (CountedMemory::held != 0) Wrong("memory is lost");
  return 0;
}
