// The other end of a codec under test: reads what it wrote, keeps the books that RFC 9113 tells a
// peer to keep, and notes each rule that the codec breaks. It shares the frame readers and the
// HPACK decoder with the codec, and no state.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codecs/h2/frames/frame.h"
#include "codecs/h2/hpack/decoder.h"

namespace weir::h2 {

using TextFields = std::vector<std::pair<std::string, std::string>>;

// Memory for what is not under test.
hpack::Memory PlainMemory();

// The encoder of a peer that puts all it can into the table and refers to it wherever it can, so
// that a decoder which has missed a block, or a field of one, is found out by the next block.
class EagerEncoder {
 public:
  // What the codec has announced and the peer acknowledged; the next block says so.
  void SetLimit(uint32_t size);
  std::string Encode(const TextFields& fields);

 private:
  static size_t SizeOf(const std::pair<std::string, std::string>& field) {
    return field.first.size() + field.second.size() + 32;
  }
  void Evict(size_t room);

  std::deque<std::pair<std::string, std::string>> table_;  // the newest first
  size_t size_ = 0;
  uint32_t limit_ = 4096;
  uint32_t lowest_ = 4096;
  bool changed_ = false;
};

// A frame that the codec wrote. A block of fields stands, decoded, with its last frame.
struct OutFrame {
  FrameHeader header;
  std::string payload;
  TextFields fields;
  bool block_done = false;

  bool Is(FrameType type) const { return header.type == type; }
  // Of RST_STREAM and GOAWAY.
  uint32_t Code() const;
  uint32_t LastStream() const;
  uint32_t Increment() const;
  std::string Field(std::string_view name) const;
};

class H2Peer {
 public:
  // `position` is the codec's.
  explicit H2Peer(Position position) : position_(position) {}

  // The codec has used these bytes: what they say holds from now on.
  void CodecRead(std::string_view bytes);
  // The codec has written these.
  void CodecWrote(std::string_view bytes);

  const std::vector<OutFrame>& frames() const { return frames_; }
  // What the codec did wrong, in words; empty when nothing.
  const std::string& fault() const { return fault_; }
  // Of the peer's table size, when it lowers or raises it.
  hpack::Decoder& decoder() { return decoder_; }

  // What the codec may still send.
  int64_t send_window(uint32_t stream) const {
    const auto found = send_windows_.find(stream);
    return found == send_windows_.end() ? initial_ : found->second;
  }
  int64_t connection_window() const { return connection_window_; }
  // What the peer may still send to the codec; counted from its SETTINGS and WINDOW_UPDATE frames.
  int64_t receive_window(uint32_t stream) const {
    const auto found = receive_windows_.find(stream);
    return found == receive_windows_.end() ? codec_initial_ : found->second;
  }
  int64_t receive_connection_window() const { return receive_connection_window_; }
  size_t unread() const { return output_.size(); }

 private:
  void Blame(const std::string& what);
  void ReadFrame(const FrameHeader& header, std::string_view payload);
  void ReadSettings(std::string_view payload);
  void Check(OutFrame* frame);
  void CheckStreamFrame(const OutFrame& frame);
  void CheckData(const OutFrame& frame);
  void CheckBlock(OutFrame* frame);
  void CheckOwnSettings(const OutFrame& frame);
  void CheckGoaway(const OutFrame& frame);
  TextFields Decode(const std::string& block);

  const Position position_;
  std::string fault_;
  std::vector<OutFrame> frames_;

  // Towards the codec.
  std::string input_;
  bool preface_read_ = false;
  int64_t initial_ = kDefaultWindow;
  uint32_t max_frame_size_ = kMinMaxFrameSize;
  int64_t connection_window_ = kDefaultWindow;
  std::map<uint32_t, int64_t> send_windows_;
  uint32_t settings_read_ = 0;
  uint32_t pings_read_ = 0;

  // From the codec.
  std::string output_;
  bool preface_seen_ = false;
  bool settings_seen_ = false;
  int64_t codec_initial_ = kDefaultWindow;
  int64_t receive_connection_window_ = kDefaultWindow;
  std::map<uint32_t, int64_t> receive_windows_;
  std::set<uint32_t> reset_;
  std::set<uint32_t> ended_;
  std::set<uint32_t> peer_reset_;
  uint32_t acks_ = 0;
  uint32_t ping_acks_ = 0;
  uint32_t last_goaway_ = kMaxStream;
  bool error_goaway_ = false;
  uint32_t last_opened_ = 0;
  uint32_t open_block_ = 0;
  bool block_ends_stream_ = false;
  std::string block_;
  hpack::Decoder decoder_{PlainMemory()};
};

}  // namespace weir::h2
