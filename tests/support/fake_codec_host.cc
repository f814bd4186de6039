#include "tests/support/fake_codec_host.h"

#include <cstdio>
#include <cstdlib>

namespace weir::test {
namespace {

constexpr std::uint8_t kMark = 0xa5;

std::size_t g_memory = 0;
int g_allocations_left = -1;

// A test host has no use for going on after a broken promise.
void Require(bool condition, const char* rule) {
  if (condition) return;
  std::fprintf(stderr, "the codec broke a rule: %s\n", rule);
  std::abort();
}

void* Alloc(std::size_t size) {
  if (g_allocations_left == 0) return nullptr;
  if (g_allocations_left > 0) --g_allocations_left;
  g_memory += size;
  return std::malloc(size);
}

void Free(void* memory, std::size_t size) {
  Require(memory == nullptr || g_memory >= size, "free gives back what alloc gave");
  if (memory != nullptr) g_memory -= size;
  std::free(memory);
}

void OutRoom(weir_out* out, std::size_t size) {
  FakeOut::From(out)->Room(size);
}

void Body(weir_stream* handle, weir_body_info* info) {
  FakeStream* stream = FakeStream::From(handle);
  *info = weir_body_info{};
  info->available = stream->body.size();
  info->end = stream->end && stream->trailers == nullptr;
  info->trailers = stream->end && stream->trailers != nullptr;
  if (info->end && info->available == 0) stream->sent_all = true;
}

void TakeBody(weir_stream* handle, weir_out* out, std::uint64_t size) {
  FakeStream* stream = FakeStream::From(handle);
  Require(size <= stream->body.size(), "take_body takes at most what is available");
  FakeOut::From(out)->Append(stream->body.substr(0, size));
  stream->body.erase(0, size);
  stream->taken += size;
  if (stream->body.empty() && stream->end && stream->trailers == nullptr) stream->sent_all = true;
}

const weir_head* Trailers(weir_stream* handle) {
  FakeStream* stream = FakeStream::From(handle);
  if (!stream->end || !stream->body.empty() || stream->trailers == nullptr) return nullptr;
  stream->sent_all = true;
  return stream->trailers;
}

}  // namespace

FakeOut::FakeOut() = default;

FakeOut::~FakeOut() {
  Commit();
}

void FakeOut::Commit() {
  if (room_ == nullptr) return;
  Require(out_.at >= room_ && out_.at <= out_.limit, "`at` stays within the room");
  Require(*out_.limit == kMark, "nothing is written beyond `limit`");
  bytes_.append(reinterpret_cast<const char*>(room_), static_cast<std::size_t>(out_.at - room_));
  std::free(room_);
  room_ = nullptr;
  out_ = weir_out{};
}

void FakeOut::Room(std::size_t size) {
  Require(size <= 65536, "at most 65536 bytes of room are asked for");
  if (room_ != nullptr && static_cast<std::size_t>(out_.limit - out_.at) >= size) return;
  Commit();
  room_ = static_cast<std::uint8_t*>(std::malloc(size + 1));
  room_[size] = kMark;
  out_.at = room_;
  out_.limit = room_ + size;
}

void FakeOut::Append(const std::string& bytes) {
  Commit();
  bytes_ += bytes;
}

std::string FakeOut::Take() {
  Commit();
  std::string taken;
  taken.swap(bytes_);
  return taken;
}

const weir_codec_host* FakeCodecHost() {
  static const weir_codec_host table = {
      .struct_size = sizeof(weir_codec_host),
      .reserved = 0,
      .alloc = Alloc,
      .free = Free,
      .out_room = OutRoom,
      .body = Body,
      .take_body = TakeBody,
      .trailers = Trailers,
  };
  return &table;
}

std::size_t FakeCodecMemory() {
  return g_memory;
}

void FailAllocationsAfter(int count) {
  g_allocations_left = count;
}

weir_codec_params FakeCodecParams(std::uint8_t position) {
  weir_codec_params params{};
  params.struct_size = sizeof params;
  params.position = position;
  params.raw_form = 1;
  params.codec_host = FakeCodecHost();
  params.max_head_bytes = 61440;
  params.max_field_count = 100;
  params.max_trailer_bytes = 8192;
  params.stream_window = 65536;
  params.max_streams = 100;
  return params;
}

}  // namespace weir::test
