#include "tests/unit/codecs/h2/h2_peer.h"

#include <algorithm>
#include <cstdlib>

#include "codecs/h2/frames/settings.h"

namespace weir::h2 {
namespace {

const uint8_t* Octets(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

void* Allocate(size_t size) {
  return std::malloc(size);
}

void Free(void* memory, size_t) {
  std::free(memory);
}

// RFC 7541 section 5.1.
std::string Integer(int form, int bits, size_t value) {
  const size_t most = (size_t{1} << bits) - 1;
  std::string text(1, static_cast<char>(form | static_cast<int>(std::min(value, most))));
  if (value < most) return text;
  for (value -= most; value >= 128; value >>= 7) text += static_cast<char>(128 | (value & 127));
  return text + static_cast<char>(value);
}

std::string Literal(const std::string& text) {
  return Integer(0, 7, text.size()) + text;
}

}  // namespace

void EagerEncoder::SetLimit(uint32_t size) {
  limit_ = size;
  lowest_ = std::min(lowest_, size);
  changed_ = true;
}

void EagerEncoder::Evict(size_t room) {
  for (; size_ > room; table_.pop_back()) size_ -= SizeOf(table_.back());
}

std::string EagerEncoder::Encode(const TextFields& fields) {
  std::string block;
  if (changed_) {
    if (lowest_ < limit_) block += Integer(0x20, 5, lowest_);
    block += Integer(0x20, 5, limit_);
    Evict(lowest_);
    lowest_ = limit_;
    changed_ = false;
  }
  for (const auto& field : fields) {
    const auto found = std::find(table_.begin(), table_.end(), field);
    if (found != table_.end()) {
      block += Integer(0x80, 7, 62 + static_cast<size_t>(found - table_.begin()));
      continue;
    }
    const bool fits = SizeOf(field) <= limit_ / 2;
    block += (fits ? "\x40" : std::string(1, '\0')) + Literal(field.first) + Literal(field.second);
    if (!fits) continue;
    Evict(limit_ - SizeOf(field));
    table_.push_front(field);
    size_ += SizeOf(field);
  }
  return block;
}

hpack::Memory PlainMemory() {
  return {Allocate, Free};
}

uint32_t OutFrame::Code() const {
  const size_t at = Is(FrameType::kGoaway) ? 4 : 0;
  return payload.size() < at + 4 ? UINT32_MAX : Read32(Octets(payload) + at);
}

uint32_t OutFrame::LastStream() const {
  return payload.size() < 4 ? UINT32_MAX : Read32(Octets(payload));
}

uint32_t OutFrame::Increment() const {
  return payload.size() < 4 ? 0 : Read32(Octets(payload));
}

std::string OutFrame::Field(std::string_view name) const {
  for (const auto& [have, value] : fields) {
    if (have == name) return value;
  }
  return "(none)";
}

void H2Peer::Blame(const std::string& what) {
  if (fault_.empty()) fault_ = what;
}

// ---- Towards the codec

void H2Peer::CodecRead(std::string_view bytes) {
  input_ += bytes;
  if (position_ == Position::kServer && !preface_read_) {
    if (input_.size() < 24) return;
    input_.erase(0, 24);
    preface_read_ = true;
  }
  while (input_.size() >= kFrameHeaderSize) {
    const FrameHeader header = ReadFrameHeader(Octets(input_));
    // What DATA says is known with its first octets; nothing here looks at its content.
    if (input_.size() < kFrameHeaderSize + header.length) return;
    ReadFrame(header, std::string_view(input_).substr(kFrameHeaderSize, header.length));
    input_.erase(0, kFrameHeaderSize + header.length);
  }
}

void H2Peer::ReadFrame(const FrameHeader& header, std::string_view payload) {
  const uint32_t stream = header.stream;
  switch (header.type) {
    case FrameType::kSettings:
      if (!CheckSettingsHeader(header, {}) && !header.Has(kFlagAck)) ReadSettings(payload);
      return;
    case FrameType::kPing:
      if (!header.Has(kFlagAck)) ++pings_read_;
      return;
    case FrameType::kWindowUpdate:
      if (payload.size() < 4) return;
      if (stream == 0) {
        connection_window_ += Read31(Octets(payload));
      } else {
        send_windows_.try_emplace(stream, initial_).first->second += Read31(Octets(payload));
      }
      return;
    case FrameType::kHeaders:
      send_windows_.try_emplace(stream, initial_);
      receive_windows_.try_emplace(stream, codec_initial_);
      return;
    case FrameType::kRstStream:
      peer_reset_.insert(stream);
      return;
    case FrameType::kData:
      receive_connection_window_ -= header.length;
      receive_windows_.try_emplace(stream, codec_initial_).first->second -= header.length;
      return;
    default:
      return;
  }
}

void H2Peer::ReadSettings(std::string_view payload) {
  ++settings_read_;
  for (size_t at = 0; at + kSettingSize <= payload.size(); at += kSettingSize) {
    const auto id = static_cast<SettingId>(Read16(Octets(payload) + at));
    const uint32_t value = Read32(Octets(payload) + at + 2);
    // What is not legal ends the connection, whose last word needs no leave.
    if (CheckSetting({id, value}, position_)) continue;
    if (id == SettingId::kMaxFrameSize) max_frame_size_ = value;
    if (id != SettingId::kInitialWindowSize) continue;
    for (auto& [stream, window] : send_windows_) window += int64_t{value} - initial_;
    initial_ = value;
  }
}

// ---- From the codec

void H2Peer::CodecWrote(std::string_view bytes) {
  output_ += bytes;
  if (position_ == Position::kClient && !preface_seen_) {
    if (output_.size() < 24) return;
    if (output_.compare(0, 24, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") != 0) Blame("no preface");
    output_.erase(0, 24);
    preface_seen_ = true;
  }
  while (output_.size() >= kFrameHeaderSize) {
    const FrameHeader header = ReadFrameHeader(Octets(output_));
    if (output_.size() < kFrameHeaderSize + header.length) break;
    OutFrame frame;
    frame.header = header;
    frame.payload = output_.substr(kFrameHeaderSize, header.length);
    output_.erase(0, kFrameHeaderSize + header.length);
    Check(&frame);
    frames_.push_back(std::move(frame));
  }
  // A frame's header and its payload are committed together.
  if (!output_.empty()) Blame("a frame was left unfinished");
}

void H2Peer::Check(OutFrame* frame) {
  const FrameHeader& header = frame->header;
  if (header.length > max_frame_size_) Blame("a frame is longer than the peer allows");
  if (!settings_seen_ && header.type != FrameType::kSettings) Blame("SETTINGS is not first");
  settings_seen_ = true;
  if (error_goaway_) Blame(std::string(Name(header.type)) + " behind the GOAWAY of an error");
  if (open_block_ != 0 && (header.type != FrameType::kContinuation || header.stream != open_block_))
    Blame("a frame inside a block of fields");
  switch (header.type) {
    case FrameType::kSettings:
      return CheckOwnSettings(*frame);
    case FrameType::kPing:
      if (header.length != 8) Blame("PING of a wrong length");
      if (header.Has(kFlagAck) && ++ping_acks_ > pings_read_) Blame("PING acknowledged twice");
      return;
    case FrameType::kGoaway:
      return CheckGoaway(*frame);
    case FrameType::kHeaders:
    case FrameType::kContinuation:
      CheckStreamFrame(*frame);
      return CheckBlock(frame);
    case FrameType::kData:
      CheckStreamFrame(*frame);
      return CheckData(*frame);
    case FrameType::kRstStream:
      CheckStreamFrame(*frame);
      if (header.length != 4) Blame("RST_STREAM of a wrong length");
      if (!reset_.insert(header.stream).second) Blame("a stream is reset twice");
      return;
    case FrameType::kWindowUpdate:
      if (header.length != 4 || frame->Increment() == 0) Blame("WINDOW_UPDATE of nothing");
      if (header.stream == 0) {
        receive_connection_window_ += frame->Increment();
        if (receive_connection_window_ > int64_t{kMaxWindow}) Blame("the window is too large");
        return;
      }
      CheckStreamFrame(*frame);
      receive_windows_.try_emplace(header.stream, codec_initial_).first->second +=
          frame->Increment();
      return;
    default:
      Blame("a frame that a codec of ours never sends");
  }
}

void H2Peer::CheckStreamFrame(const OutFrame& frame) {
  const uint32_t stream = frame.header.stream;
  if (stream == 0 || stream % 2 == 0) Blame("a frame of a stream that nobody opened");
  if (reset_.count(stream) != 0) Blame("a frame behind RST_STREAM");
  // Credit may have been on its way to the output.
  if (peer_reset_.count(stream) != 0 && !frame.Is(FrameType::kRstStream) &&
      !frame.Is(FrameType::kWindowUpdate))
    Blame("a frame of a stream that the peer has reset");
  const bool content = frame.Is(FrameType::kData) || frame.Is(FrameType::kHeaders);
  if (content && ended_.count(stream) != 0) Blame("content behind END_STREAM");
  if (position_ == Position::kServer && send_windows_.count(stream) == 0 &&
      !frame.Is(FrameType::kRstStream)) {
    Blame("a frame of a stream that the client did not open");
  }
}

void H2Peer::CheckData(const OutFrame& frame) {
  const uint32_t stream = frame.header.stream;
  int64_t& window = send_windows_.try_emplace(stream, initial_).first->second;
  if (frame.header.length > 0) {
    window -= frame.header.length;
    connection_window_ -= frame.header.length;
    if (window < 0) Blame("more than the window of stream " + std::to_string(stream));
    if (connection_window_ < 0) Blame("more than the window of the connection");
  }
  if (frame.header.Has(kFlagEndStream)) ended_.insert(stream);
}

void H2Peer::CheckBlock(OutFrame* frame) {
  const FrameHeader& header = frame->header;
  if (header.type == FrameType::kHeaders) {
    if (position_ == Position::kClient && header.stream > last_opened_) {
      last_opened_ = header.stream;
      send_windows_.try_emplace(header.stream, initial_);
    }
    block_.clear();
    block_ends_stream_ = header.Has(kFlagEndStream);
  } else if (open_block_ == 0) {
    Blame("CONTINUATION of no block");
  }
  block_ += frame->payload;
  open_block_ = header.Has(kFlagEndHeaders) ? 0 : header.stream;
  if (open_block_ != 0) return;
  frame->fields = Decode(block_);
  frame->block_done = true;
  if (block_ends_stream_) ended_.insert(header.stream);
}

TextFields H2Peer::Decode(const std::string& block) {
  static thread_local std::vector<weir_field> fields(4096);
  static thread_local std::vector<char> text(1 << 20);
  hpack::Block to;
  to.fields = fields.data();
  to.max_fields = static_cast<uint32_t>(fields.size());
  to.max_list_size = 1 << 19;
  to.at = text.data();
  to.limit = text.data() + text.size();
  const hpack::Status status = decoder_.Decode(Octets(block), block.size(), &to);
  if (status != hpack::Status::kOk) {
    Blame(std::string("a block that does not decode: ") + decoder_.detail());
    return {};
  }
  TextFields result;
  for (uint32_t i = 0; i < to.count; ++i) {
    result.emplace_back(std::string(fields[i].name, fields[i].name_size),
                        std::string(fields[i].value, fields[i].value_size));
  }
  return result;
}

void H2Peer::CheckOwnSettings(const OutFrame& frame) {
  if (frame.header.Has(kFlagAck)) {
    if (++acks_ > settings_read_) Blame("SETTINGS acknowledged twice");
    return;
  }
  for (size_t at = 0; at + kSettingSize <= frame.payload.size(); at += kSettingSize) {
    if (static_cast<SettingId>(Read16(Octets(frame.payload) + at)) != SettingId::kInitialWindowSize)
      continue;
    const int64_t value = Read32(Octets(frame.payload) + at + 2);
    for (auto& [stream, window] : receive_windows_) window += value - codec_initial_;
    codec_initial_ = value;
  }
}

void H2Peer::CheckGoaway(const OutFrame& frame) {
  if (frame.LastStream() > last_goaway_) Blame("GOAWAY with a last stream that grew");
  last_goaway_ = frame.LastStream();
  error_goaway_ = frame.Code() != 0;
}

}  // namespace weir::h2
