#include "tests/simulation/h2_end.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "codecs/h2/preface.h"
#include "core/http/codec_set.h"

// Receiving: frames are taken whole, and each is looked at for whether the worker may send it.

namespace weir::sim {
namespace {

using h2::FrameHeader;
using h2::FrameType;

constexpr uint32_t kMaxList = 65536;
constexpr uint32_t kMaxFields = 200;

void* Alloc(size_t size) {
  return std::malloc(size);
}
void Free(void* memory, size_t) {
  std::free(memory);
}
constexpr h2::hpack::Memory kMemory{Alloc, Free};

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

}  // namespace

H2End::H2End(World* world, Side side)
    : world_(world), side_(side), decoder_(kMemory), encoder_(kMemory) {}

void H2End::Restart(test::SimLink* link) {
  using h2::hpack::Decoder;
  using h2::hpack::Encoder;
  link_ = link;
  streams_.clear();
  input_.clear();
  block_.clear();
  unacked_.clear();
  pings_.clear();
  at_ = 0;
  preface_ = side_ == Side::kServer ? h2::kPrefaceSize : 0;
  ghost_ = no_more_streams_ = goaway_sent_ = worker_settings_ = deaf_ = mute_ = broke_ =
      preface_sent_ = false;
  open_ = first_ = true;
  last_id_ = block_stream_ = 0;
  goaway_last_ = UINT32_MAX;
  ours_ = said_ = worker_ = Settings();
  window_ = send_window_ = 65535;
  uncredited_ = usual_at_ = credit_at_ = 0;
  decoder_.~Decoder();
  new (&decoder_) Decoder(kMemory);
  encoder_.~Encoder();
  const uint32_t tables[] = {0, 200, 4096, 4096};
  new (&encoder_) Encoder(kMemory, tables[world_->Below(4)]);
}

H2Stream* H2End::NewStream(uint32_t id) {
  H2Stream& stream = streams_[id];
  stream.id = id;
  stream.window = ours_.window;
  stream.send_window = worker_.window;
  return &stream;
}

H2Stream* H2End::Find(uint32_t id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : &found->second;
}

uint32_t H2End::open_streams() const {
  uint32_t open = 0;
  for (const auto& [id, stream] : streams_) open += stream.Closed() ? 0 : 1;
  return open;
}

bool H2End::WindowsSuffice(int64_t size) const {
  if (!worker_settings_ || !unacked_.empty() || usual_at_ != 0 || window_ < 10 * size) return false;
  return std::all_of(streams_.begin(), streams_.end(),
                     [size](const auto& s) { return s.second.over || s.second.window >= size; });
}

std::string_view H2End::Get(const Fields& fields, std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return {};
}

uint32_t H2End::Status(const Fields& fields) {
  return static_cast<uint32_t>(std::atoi(std::string(Get(fields, ":status")).c_str()));
}

size_t H2End::ReadRoom() {
  return !open_ || deaf_ ? 0 : SIZE_MAX;
}

void H2End::OnBytes(std::string_view bytes) {
  if (!open_) return;
  input_.append(bytes);
  while (open_ && TakeFrame()) {
  }
  if (open_) {
    input_.erase(0, at_);
    at_ = 0;
  }
}

// What is lost continues what was read. A client may have gone on to another connection.
void H2End::OnLost(std::string_view bytes) {
  if (side_ == Side::kClient) return;
  ghost_ = true;
  input_.append(bytes);
  while (TakeFrame()) {
  }
}

bool H2End::TakePreface() {
  const size_t n = std::min(preface_, input_.size() - at_);
  const std::string_view expected(h2::kPreface, h2::kPrefaceSize);
  if (input_.compare(at_, n, expected.substr(h2::kPrefaceSize - preface_, n)) != 0) {
    Wrong("not a preface");
    return false;
  }
  at_ += n;
  preface_ -= n;
  return preface_ == 0;
}

bool H2End::TakeFrame() {
  if (preface_ > 0 && !TakePreface()) return false;
  if (input_.size() - at_ < h2::kFrameHeaderSize) return false;
  const FrameHeader header = h2::ReadFrameHeader(Bytes(input_) + at_);
  // A setting that is not acknowledged yet may be in force already where it allows more.
  if (header.length > ours_.frame) {
    Wrong("a frame of " + std::to_string(header.length) + " octets");
    return false;
  }
  if (input_.size() - at_ - h2::kFrameHeaderSize < header.length) return false;
  // The input may go while the frame is looked at.
  const std::string payload = input_.substr(at_ + h2::kFrameHeaderSize, header.length);
  at_ += h2::kFrameHeaderSize + header.length;
  OnFrame(header, payload);
  return true;
}

void H2End::Tell(const char* what, const FrameHeader& header) const {
  if (!world_->telling()) return;
  world_->Trace("link " + std::to_string(link_->id()) + " " + what + " " + h2::Name(header.type) +
                " of " + std::to_string(header.length) + " on " + std::to_string(header.stream) +
                " flags " + std::to_string(header.flags));
}

void H2End::OnFrame(const FrameHeader& header, std::string_view payload) {
  Tell(ghost_ ? "loses" : "gets", header);
  const bool continues = header.type == FrameType::kContinuation;
  if (continues ? header.stream != block_stream_ || block_stream_ == 0 : block_stream_ != 0)
    return Wrong(std::string(h2::Name(header.type)) + " in the middle of a block of fields");
  if (continues || header.type == FrameType::kHeaders) return OnHeadersFrame(header, payload);
  if (ghost_) return;
  if (first_ && (header.type != FrameType::kSettings || header.Has(h2::kFlagAck)))
    return Wrong(std::string(h2::Name(header.type)) + " before SETTINGS");
  first_ = false;
  switch (header.type) {
    case FrameType::kData:
      return OnDataFrame(header, payload);
    case FrameType::kRstStream:
      return OnResetFrame(header, payload);
    case FrameType::kSettings:
      return OnSettingsFrame(header, payload);
    case FrameType::kPing:
      return OnPingFrame(header, payload);
    case FrameType::kGoaway:
      return OnGoawayFrame(payload);
    case FrameType::kWindowUpdate:
      return OnWindowFrame(header, payload);
    default:
      return Wrong("a frame that nobody needs: " + std::string(h2::Name(header.type)));
  }
}

// ---- Blocks of fields

void H2End::OnHeadersFrame(const FrameHeader& header, std::string_view payload) {
  if (header.type == FrameType::kHeaders) {
    if (first_ && !ghost_) return Wrong("HEADERS before SETTINGS");
    if (header.Has(h2::kFlagPadded) || header.Has(h2::kFlagPriority))
      return Wrong("HEADERS with padding or priority");
    block_stream_ = header.stream;
    block_ends_ = header.Has(h2::kFlagEndStream);
    block_.clear();
  }
  block_.append(payload);
  if (header.Has(h2::kFlagEndHeaders)) OnBlock();
}

bool H2End::Decode(Fields* fields) {
  std::vector<weir_field> room(kMaxFields);
  std::vector<char> strings(kMaxList + 64);
  const size_t size = block_.size();
  block_.append(64, '\0');
  h2::hpack::Block block;
  block.fields = room.data();
  block.max_fields = kMaxFields;
  block.max_list_size = kMaxList;
  block.at = strings.data();
  block.limit = strings.data() + kMaxList;
  const auto status = decoder_.Decode(Bytes(block_), size, &block);
  if (status != h2::hpack::Status::kOk) {
    if (!ghost_) Wrong(std::string("a block of fields: ") + decoder_.detail());
    return false;
  }
  for (uint32_t i = 0; i < block.count; ++i) {
    const weir_field& f = block.fields[i];
    fields->emplace_back(std::string(f.name, f.name_size), std::string(f.value, f.value_size));
  }
  return true;
}

void H2End::OnBlock() {
  Fields fields;
  const bool good = Decode(&fields);
  const uint32_t id = block_stream_;
  block_stream_ = 0;
  if (!good) return;
  if (ghost_) {
    if (id > last_id_) {
      last_id_ = id;
      OnLostHead(id, fields);
    }
    return;
  }
  block_stream_ = id;
  GiveBlock(fields);
  block_stream_ = 0;
}

void H2End::GiveBlock(const Fields& fields) {
  const uint32_t id = std::exchange(block_stream_, 0);
  const std::string name = "stream " + std::to_string(id);
  H2Stream* stream = Find(id);
  if (stream == nullptr) {
    if (side_ == Side::kClient) return Wrong(name + ": HEADERS on an idle stream");
    if (id % 2 == 0 || id <= last_id_) return Wrong(name + " is opened out of order");
    last_id_ = id;
    if (no_more_streams_) return Wrong(name + " is opened behind a GOAWAY");
    stream = NewStream(id);
    if (open_streams() > ours_.streams)
      return Wrong(name + " is one more than the " + std::to_string(ours_.streams) + " allowed");
  }
  if (!stream->WorkerMaySend()) return Wrong(name + ": HEADERS behind its end");
  const bool head = !stream->head_received;
  if (block_ends_) stream->received_all = true;
  if (side_ == Side::kServer || Status(fields) >= 200) stream->head_received = true;
  if (stream->over || stream->reset_sent) return;
  if (head) {
    if (block_ends_ && !stream->head_received) return Wrong(name + " ends with an interim head");
    return OnHead(stream, fields, block_ends_);
  }
  if (!block_ends_) return Wrong(name + ": trailers that do not end it");
  OnTrailers(stream, fields);
}

// ---- Other frames

void H2End::OnDataFrame(const FrameHeader& header, std::string_view payload) {
  const std::string name = "stream " + std::to_string(header.stream);
  H2Stream* const stream = Find(header.stream);
  if (stream == nullptr) return Wrong(name + ": DATA on an idle stream");
  if (header.Has(h2::kFlagPadded)) return Wrong(name + ": DATA with padding");
  if (!stream->WorkerMaySend()) return Wrong(name + ": DATA behind its end");
  if (!stream->head_received) return Wrong(name + ": DATA in front of its head");
  const auto length = static_cast<int64_t>(header.length);
  window_ -= length;
  stream->window -= length;
  if (length > 0 && window_ < 0) return Wrong("more than the connection's window allows");
  if (length > 0 && stream->window < 0) {
    return Wrong(name + ": " + std::to_string(-stream->window) + " more than its window allows");
  }
  uncredited_ += header.length;
  const bool end = header.Has(h2::kFlagEndStream);
  if (length == 0 && !end) return Wrong(name + ": DATA that says nothing");
  stream->received_all = end;
  if (stream->over || stream->reset_sent) return;
  stream->uncredited += header.length;
  stream->received += header.length;
  OnData(stream, payload, end);
}

void H2End::OnResetFrame(const FrameHeader& header, std::string_view payload) {
  const std::string name = "stream " + std::to_string(header.stream);
  H2Stream* const stream = Find(header.stream);
  if (payload.size() != 4) return Wrong("RST_STREAM of a wrong size");
  if (stream == nullptr) return Wrong(name + ": RST_STREAM of an idle stream");
  if (stream->reset_received) return Wrong(name + " is reset twice");
  stream->reset_received = true;
  stream->sending = false;
  const uint32_t code = h2::Read32(Bytes(payload));
  if (!stream->over && !stream->reset_sent) OnReset(stream, code);
}

void H2End::OnSettingsFrame(const FrameHeader& header, std::string_view payload) {
  if (header.stream != 0 || payload.size() % 6 != 0) return Wrong("a wrong SETTINGS");
  if (header.Has(h2::kFlagAck)) return OnSettingsAck();
  worker_settings_ = true;
  for (size_t i = 0; i < payload.size() && open_; i += 6) {
    ApplySetting(h2::Read16(Bytes(payload) + i), h2::Read32(Bytes(payload) + i + 2));
  }
  SendRaw(static_cast<uint8_t>(FrameType::kSettings), h2::kFlagAck, 0, {});
}

void H2End::OnSettingsAck() {
  if (unacked_.empty()) return Wrong("an ACK of SETTINGS that nobody sent");
  const int64_t shift = int64_t{unacked_.front().window} - int64_t{ours_.window};
  for (auto& [id, stream] : streams_) stream.window += shift;
  ours_ = unacked_.front();
  decoder_.SetLimit(ours_.table);
  unacked_.pop_front();
}

void H2End::ApplySetting(uint32_t id, uint32_t value) {
  switch (static_cast<h2::SettingId>(id)) {
    case h2::SettingId::kHeaderTableSize:
      encoder_.SetPeerLimit(value);
      break;
    case h2::SettingId::kMaxConcurrentStreams:
      worker_.streams = value;
      break;
    case h2::SettingId::kInitialWindowSize:
      if (value > h2::kMaxWindow) return Wrong("an initial window too large");
      for (auto& [number, stream] : streams_)
        stream.send_window += int64_t{value} - int64_t{worker_.window};
      worker_.window = value;
      break;
    case h2::SettingId::kMaxFrameSize:
      worker_.frame = value;
      break;
    case h2::SettingId::kEnablePush:
      if (value != 0) Wrong("ENABLE_PUSH");
      break;
    default:
      break;
  }
}

void H2End::OnPingFrame(const FrameHeader& header, std::string_view payload) {
  if (payload.size() != 8) return Wrong("PING of a wrong size");
  if (!header.Has(h2::kFlagAck))
    return SendRaw(static_cast<uint8_t>(FrameType::kPing), h2::kFlagAck, 0, payload);
  const uint64_t opaque =
      uint64_t{h2::Read32(Bytes(payload))} << 32 | h2::Read32(Bytes(payload) + 4);
  if (pings_.empty() || pings_.front() != opaque) return Wrong("an answer to no PING");
  pings_.pop_front();
  // It was sent behind our GOAWAY.
  if (opaque == UINT64_MAX) no_more_streams_ = true;
}

void H2End::OnGoawayFrame(std::string_view payload) {
  if (payload.size() < 8) return Wrong("GOAWAY of a wrong size");
  const uint32_t last = h2::Read31(Bytes(payload));
  const uint32_t code = h2::Read32(Bytes(payload) + 4);
  if (last > goaway_last_) return Wrong("the last stream of GOAWAY rises");
  goaway_last_ = last;
  if (code != 0 && !broke_) {
    return Wrong("GOAWAY with the code " + std::to_string(code) + " and " +
                 std::string(payload.substr(8)));
  }
  OnGoaway(last, code);
}

void H2End::OnWindowFrame(const FrameHeader& header, std::string_view payload) {
  if (payload.size() != 4) return Wrong("WINDOW_UPDATE of a wrong size");
  const uint32_t increment = h2::Read31(Bytes(payload));
  if (increment == 0) return Wrong("WINDOW_UPDATE of nothing");
  int64_t* window = &send_window_;
  if (header.stream != 0) {
    H2Stream* const stream = Find(header.stream);
    if (stream == nullptr) return Wrong("WINDOW_UPDATE of an idle stream");
    if (stream->reset_received)
      return Wrong("stream " + std::to_string(header.stream) + ": WINDOW_UPDATE behind its reset");
    window = &stream->send_window;
  }
  *window += increment;
  const Variation& v = world_->variation();
  const bool server = side_ == Side::kClient;  // the worker is
  const int64_t limit = std::min(server ? v.buffer_down : v.buffer_up, http::kStreamWindowMost);
  const int64_t most = header.stream == 0
                           ? std::max<int64_t>(v.h2_connection_window, 65535)
                           : std::max({limit, int64_t{v.h2_stream_window}, int64_t{65535}});
  if (*window > most) {
    return Wrong("the window of " + std::to_string(header.stream) + " is " +
                 std::to_string(*window) + ", more than what may be held");
  }
  if (*window > int64_t{h2::kMaxWindow}) Wrong("a window too large");
}

}  // namespace weir::sim
