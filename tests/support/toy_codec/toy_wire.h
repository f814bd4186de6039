#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "plugins/abi/weir.h"

// The frames of the toy protocol; see README.md.

namespace weir::toy {

enum FrameType : std::uint8_t {
  kHello = 1,
  kHead = 2,
  kData = 3,
  kReset = 4,
  kCredit = 5,
  kGoaway = 6,
  kPing = 7,
  kPong = 8
};

inline constexpr std::uint8_t kEnd = 1;
inline constexpr std::size_t kFrameHeadSize = 8;
inline constexpr std::size_t kMaxPayload = 65535;
inline constexpr std::uint32_t kEveryStream = 0xffffffff;
inline constexpr std::int64_t kCreditBeforeHello = 1024;
inline constexpr std::uint32_t kStreamsBeforeHello = 8;

struct FrameHead {
  std::uint8_t type;
  std::uint8_t flags;
  std::uint16_t length;
  std::uint32_t stream;
};

// Writes numbers in network order and bytes at a place that has room for them.
class Writer {
 public:
  explicit Writer(std::uint8_t* at) : at_(at) {}

  void Number(std::uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) *at_++ = static_cast<std::uint8_t>(value >> (8 * i));
  }
  void Bytes(const char* data, std::size_t size) {
    if (size > 0) std::memcpy(at_, data, size);
    at_ += size;
  }
  void Text(const char* data, std::size_t size) {
    Number(size, 2);
    Bytes(data, size);
  }
  void Head(std::uint8_t type, std::uint8_t flags, std::size_t length, std::uint32_t stream) {
    Number(type, 1);
    Number(flags, 1);
    Number(length, 2);
    Number(stream, 4);
  }
  std::uint8_t* at() const { return at_; }

 private:
  std::uint8_t* at_;
};

// Reads what Writer wrote, within bounds: beyond the end all is zero and ok() is false.
class Reader {
 public:
  Reader(const std::uint8_t* at, std::size_t size) : at_(at), end_(at + size) {}

  std::uint64_t Number(int bytes) {
    std::uint64_t value = 0;
    if (end_ - at_ < bytes) {
      ok_ = false;
      at_ = end_;
      return 0;
    }
    for (int i = 0; i < bytes; ++i) value = value << 8 | *at_++;
    return value;
  }
  weir_view Text() {
    const auto size = static_cast<std::size_t>(Number(2));
    if (static_cast<std::size_t>(end_ - at_) < size) {
      ok_ = false;
      at_ = end_;
      return {nullptr, 0};
    }
    const auto* data = reinterpret_cast<const char*>(at_);
    at_ += size;
    return {data, size};
  }
  bool empty() const { return at_ == end_; }
  bool ok() const { return ok_; }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
  bool ok_ = true;
};

inline FrameHead ReadFrameHead(const std::uint8_t* data) {
  Reader reader(data, kFrameHeadSize);
  FrameHead head{};
  head.type = static_cast<std::uint8_t>(reader.Number(1));
  head.flags = static_cast<std::uint8_t>(reader.Number(1));
  head.length = static_cast<std::uint16_t>(reader.Number(2));
  head.stream = static_cast<std::uint32_t>(reader.Number(4));
  return head;
}

// The payload of a HEAD frame, or more than kMaxPayload.
std::size_t HeadSize(const weir_head& head);
void WriteHead(const weir_head& head, Writer* writer);

enum class HeadResult { kOk, kMalformed, kTooManyFields };
// Fills *head, whose `fields` has room for max_fields; its views point into the payload.
HeadResult ReadHead(const std::uint8_t* payload, std::size_t size, std::uint32_t max_fields,
                    weir_head* head);

}  // namespace weir::toy
