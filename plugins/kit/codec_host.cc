#include "plugins/kit/codec_host.h"

#include <algorithm>
#include <cstdlib>

#include "plugins/kit/fake_host.h"

namespace weir::kit {
namespace {

constexpr std::size_t kMark = 16;
constexpr std::uint8_t kMarkByte = 0xa5;
thread_local CodecHost* t_host = nullptr;

}  // namespace

CodecHost::CodecHost(Verdict* verdict) : verdict_(verdict) {
  t_host = this;
}

CodecHost::~CodecHost() {
  for (const auto& [memory, size] : memory_) std::free(memory);
  t_host = nullptr;
}

CodecHost& CodecHost::Of() {
  return *t_host;
}

void CodecHost::Commit() {
  if (room_.empty()) return;
  const std::uint8_t* const limit = room_.data() + room_.size() - kMark;
  if (out_.at < room_.data() || out_.at > limit ||
      !std::all_of(limit, limit + kMark, [](std::uint8_t byte) { return byte == kMarkByte; })) {
    verdict_->Fail("writes more than the room that it asked for (weir_out)");
  } else {
    written_ += static_cast<std::size_t>(out_.at - room_.data());
  }
  room_.clear();
  out_ = {};
}

void CodecHost::Room(std::size_t size) {
  if (size > 65536) verdict_->Fail("asks for more than 65536 bytes of room");
  if (!room_.empty() && static_cast<std::size_t>(out_.limit - out_.at) >= size) return;
  Commit();
  room_.assign(std::min<std::size_t>(size, 1 << 20) + kMark, kMarkByte);
  out_ = {room_.data(), room_.data() + room_.size() - kMark};
}

std::size_t CodecHost::TakeOutput() {
  Commit();
  const std::size_t written = written_;
  written_ = 0;
  return written;
}

void CodecHost::CheckMemory(const char* when) {
  if (memory_.empty()) return;
  verdict_->Fail(std::to_string(memory_.size()) +
                 " blocks of codec_host->alloc are not given back " + when);
}

const weir_codec_host* CodecHost::Table() {
  static const weir_codec_host table = [] {
    weir_codec_host made{};
    made.struct_size = sizeof made;
    made.alloc = [](size_t size) -> void* {
      CodecHost& host = Of();
      if (host.allocations_left_ == 0) return nullptr;
      if (host.allocations_left_ > 0) --host.allocations_left_;
      void* const memory = std::malloc(size == 0 ? 1 : size);
      host.memory_[memory] = size;
      return memory;
    };
    made.free = [](void* memory, size_t size) {
      if (memory == nullptr) return;
      CodecHost& host = Of();
      const auto found = host.memory_.find(memory);
      if (found == host.memory_.end()) {
        host.verdict_->Fail("gives back memory that it has not");
        return;
      }
      if (found->second != size) {
        host.verdict_->Fail("gives back memory with another size than it got it with");
      }
      host.memory_.erase(found);
      std::free(memory);
    };
    made.out_room = [](weir_out*, size_t size) { Of().Room(size); };
    made.body = [](weir_stream* stream, weir_body_info* info) {
      const auto* const fake = reinterpret_cast<CodecStream*>(stream);
      *info = {};
      info->available = fake->available;
      info->end = fake->end ? 1 : 0;
    };
    made.take_body = [](weir_stream* stream, weir_out*, uint64_t size) {
      auto* const fake = reinterpret_cast<CodecStream*>(stream);
      CodecHost& host = Of();
      if (size > fake->available) host.verdict_->Fail("takes more of a body than there is");
      host.Commit();
      host.written_ += size;
      fake->available -= std::min(size, fake->available);
    };
    made.trailers = [](weir_stream*) -> const weir_head* { return nullptr; };
    return made;
  }();
  return &table;
}

weir_codec_params CodecHost::Params(std::uint8_t position, void* config) const {
  weir_codec_params params{};
  params.struct_size = sizeof params;
  params.position = position;
  params.raw_form = 1;
  params.host = FakeHost();
  params.codec_host = Table();
  params.config = config;
  params.max_head_bytes = 61440;
  params.max_field_count = 100;
  params.max_trailer_bytes = 8192;
  params.stream_window = 65536;
  params.max_streams = 100;
  return params;
}

}  // namespace weir::kit
