// Any fields, in several blocks, while the peer changes the size of its table: what the encoder
// writes comes out of our decoder and of libnghttp2's as it went in, and the tables are alike.
//
// Input: for each block a byte of what is done and its fields, each by a byte for the name, one for
// the value's length, and the value.
#include <cstdio>
#include <cstdlib>

#include "tests/unit/codecs/h2/hpack/nghttp2_peer.h"

namespace weir::h2::hpack {
namespace {

const char* const kNames[] = {":authority", ":method",     ":path",         ":scheme",
                              ":status",    ":protocol",   "server",        "via",
                              "user-agent", "date",        "content-type",  "cookie",
                              "set-cookie", "x-unknown",   "accept",        "accept-encoding",
                              "vary",       "traceparent", "authorization", "x"};
constexpr size_t kNameCount = sizeof(kNames) / sizeof(kNames[0]);

[[noreturn]] void Wrong(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

class Input {
 public:
  Input(const uint8_t* data, size_t size) : at_(data), end_(data + size) {}

  bool done() const { return at_ == end_; }
  uint32_t Byte() { return done() ? 0 : *at_++; }
  std::string Text(size_t size) {
    size = std::min(size, static_cast<size_t>(end_ - at_));
    at_ += size;
    return std::string(reinterpret_cast<const char*>(at_) - size, size);
  }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
};

std::pair<std::string, std::string> ReadField(Input* input) {
  const uint32_t name = input->Byte();
  const uint32_t size = input->Byte();
  // A value of one byte again and again is as good as any, and short in the corpus.
  std::string value =
      (size & 0x80) != 0 ? std::string((size & 0x7f) * 9, 'v') : input->Text(size & 0x7f);
  if (name >= 0xf0) return {input->Text(name & 0x0f), value};
  return {kNames[name % kNameCount], value};
}

class Connection {
 public:
  explicit Connection(uint32_t max_table) : encoder_(max_table) {}

  void Block(Input* input) {
    const uint32_t what = input->Byte();
    for (uint32_t i = 0; i < (what & 3); ++i) SetPeerLimit(input->Byte() * 33);
    TextFields fields;
    for (uint32_t i = 0; i < (what >> 2 & 7); ++i) fields.push_back(ReadField(input));
    const bool never = (what & 0x80) != 0;
    Check(fields, never);
  }

 private:
  void SetPeerLimit(uint32_t size) {
    encoder_.encoder().SetPeerLimit(size);
    ours_.decoder().SetLimit(size);
    theirs_.SetLimit(size);
  }

  void Check(const TextFields& fields, bool never) {
    const Bytes block = encoder_.Encode(fields, never ? WEIR_FIELD_NEVER_INDEX : 0);
    if (ours_.Decode(block) != Status::kOk) Wrong(ours_.decoder().detail());
    if (ours_.Text() != fields) Wrong("other fields come out");
    const auto theirs = theirs_.Decode(block);
    if (!theirs) Wrong("the other implementation refuses it");
    if (*theirs != fields) Wrong("other fields come out of the other implementation");
    const DynamicTable& table = encoder_.encoder().table();
    if (table.count() != ours_.table().count() || table.size() != ours_.table().size() ||
        table.max_size() != ours_.table().max_size()) {
      Wrong("the tables differ");
    }
    for (uint32_t i = 0; never && i < ours_.block().count; ++i) {
      if ((ours_.at(i).flags & WEIR_FIELD_NEVER_INDEX) == 0) Wrong("never indexed is lost");
    }
  }

  EncoderUnderTest encoder_;
  DecoderUnderTest ours_{8, 1 << 20, 16384};
  Nghttp2Inflater theirs_;
};

}  // namespace
}  // namespace weir::h2::hpack

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::h2::hpack;
  {
    Input input(data, size);
    Connection connection(input.Byte() * 32);
    while (!input.done()) connection.Block(&input);
  }
  if (CountedMemory::held != 0) Wrong("memory is lost");
  return 0;
}
