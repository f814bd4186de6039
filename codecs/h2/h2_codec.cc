#include "codecs/h2/h2_codec.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "codecs/h2/counters.h"
#include "codecs/h2/frames/goaway.h"
#include "codecs/h2/frames/ping.h"
#include "codecs/h2/frames/rst_stream.h"
#include "codecs/h2/object_pool.h"
#include "codecs/h2/reasons.h"

namespace weir::h2 {

// ---- Life

namespace {

// What the options say, where they say something; else the host's.
uint32_t FirstWindow(const weir_codec_params& params, const Options& options) {
  uint32_t window = params.stream_window;
  if (options.initial_stream_window_size != kDefaultOptions.initial_stream_window_size) {
    const uint32_t most = WEIR_HAS(&params, stream_window_max) ? params.stream_window_max : 0;
    window = std::min(options.initial_stream_window_size, std::max(window, most));
  }
  return std::min(window, kMaxWindow);
}

}  // namespace

H2Codec::H2Codec(const weir_codec_params& params, const Options& options, Scratch* scratch)
    : host_(params.host),
      codec_host_(params.codec_host),
      options_(&options),
      scratch_(scratch),
      now_ms_(WEIR_HAS(&params, now_ms) ? params.now_ms : nullptr),
      position_(params.position == WEIR_SERVER ? Position::kServer : Position::kClient),
      decoder_({params.codec_host->alloc, params.codec_host->free}),
      encoder_({params.codec_host->alloc, params.codec_host->free}, options.encoder_table_size),
      control_(params.codec_host, options.guards.control_max_bytes),
      scheduler_(params.codec_host),
      streams_(params.codec_host),
      max_head_bytes_(params.max_head_bytes),
      max_fields_(params.max_field_count),
      max_trailer_bytes_(params.max_trailer_bytes),
      stream_window_(FirstWindow(params, options)),
      stream_window_max_(
          std::min(std::max(params.stream_window,
                            WEIR_HAS(&params, stream_window_max) ? params.stream_window_max : 0),
                   kMaxWindow)),
      max_streams_(params.max_streams),
      flags_(params.flags),
      secure_(params.secure != 0) {
  ObjectPool<Stream>::Enter();
  ObjectPool<Group>::Enter();
  context_.position = position_;
  preface_left_ = server() ? 24 : 0;
  last_frame_ms_ = now();
  QueuePreface();
}

H2Codec::~H2Codec() {
  DropBlock();
  while (Stream* stream = all_.front()) Forget(stream);
  ObjectPool<Group>::Leave(codec_host_);
  ObjectPool<Stream>::Leave(codec_host_);
}

H2Codec* H2Codec::Create(const weir_codec_params& params) {
  const bool usable = (params.position == WEIR_SERVER || params.position == WEIR_CLIENT) &&
                      params.max_head_bytes != 0 && params.stream_window != 0 &&
                      params.max_streams != 0;
  if (!usable) return nullptr;
  const Options& options =
      params.config == nullptr ? kDefaultOptions : *static_cast<const Options*>(params.config);
  const uint32_t list = std::max({params.max_head_bytes, params.max_trailer_bytes,
                                  options.hpack_table_size, hpack::kDefaultTableSize});
  // Beside the fields a request has at most six pseudo-fields.
  Scratch* scratch = Scratch::Acquire(params.codec_host, params.max_field_count + 6, list);
  if (scratch == nullptr) return nullptr;
  void* memory = params.codec_host->alloc(sizeof(H2Codec));
  if (memory == nullptr) {
    scratch->Release();
    return nullptr;
  }
  return new (memory) H2Codec(params, options, scratch);
}

void H2Codec::Destroy() {
  Scratch* const scratch = scratch_;
  const weir_codec_host* const codec_host = codec_host_;
  this->~H2Codec();
  codec_host->free(this, sizeof(H2Codec));
  scratch->Release();
}

// ---- Streams

// A client's streams have their number as identifier, unless their heads went out in another order
// than they were opened in.
Stream* H2Codec::FindWire(uint32_t wire) const {
  Stream* stream = streams_.Find(wire);
  if (unnamed_ == 0 || (stream != nullptr && stream->wire == wire)) return stream;
  for (stream = all_.front(); stream != nullptr; stream = all_.next(stream)) {
    if (stream->wire == wire) return stream;
  }
  return nullptr;
}

Stream* H2Codec::NewStream(uint32_t number) {
  Stream* stream = ObjectPool<Stream>::New(codec_host_);
  if (stream == nullptr) return nullptr;
  stream->number = number;
  if (!streams_.Insert(stream)) {
    ObjectPool<Stream>::Delete(codec_host_, stream);
    return nullptr;
  }
  stream->send_window = static_cast<int32_t>(peer_.initial_window_size());
  stream->window_size = stream_window_;
  // Before our SETTINGS are acknowledged the peer may still use the window of the RFC.
  stream->receive_window =
      settings_acked_ ? stream_window_ : std::max(stream_window_, kDefaultWindow);
  all_.PushBack(stream);
  return stream;
}

void H2Codec::Forget(Stream* stream) {
  if (stream->wire != stream->number) --unnamed_;
  if (stream->overdue) --overdue_;
  scheduler_.Leave(stream);
  stream->all_link.Unlink();
  streams_.Erase(stream->number);
  ObjectPool<Stream>::Delete(codec_host_, stream);
}

// The peer does not know yet, and may go on sending.
void H2Codec::ForgetReset(Stream* stream, ErrorCode code) {
  QueueReset(stream->wire, code);
  Forget(stream);
}

void H2Codec::CloseReceive(Stream* stream) {
  stream->receive_open = false;
  if (stream->send_open) return;
  guards_.StreamCompleted(limits());
  Forget(stream);
}

void H2Codec::CloseSend(Stream* stream) {
  stream->send_open = false;
  scheduler_.Remove(stream);
  if (!stream->receive_open) {
    guards_.StreamCompleted(limits());
    Forget(stream);
  } else if (server() && !stream->tunnel_open) {
    // RFC 9113 section 8.1: the rest of the request is of no use to anybody.
    ForgetReset(stream, ErrorCode::kNoError);
  }
}

// ---- The host's calls

void H2Codec::Adopt(uint32_t number, weir_stream* user) {
  if (Stream* stream = streams_.Find(number)) stream->user = user;
}

uint32_t H2Codec::Open(weir_stream* user) {
  if (server() || Capacity() == 0) return 0;
  Stream* stream = NewStream(next_number_);
  if (stream == nullptr) return 0;
  stream->user = user;
  ++unnamed_;  // until its head is sent
  next_number_ += 2;
  return stream->number;
}

void H2Codec::Ready(uint32_t number) {
  Stream* stream = streams_.Find(number);
  if (stream == nullptr || !stream->send_open) return;
  if (stream->head_sent) {
    scheduler_.Enlist(stream);
  } else {
    stream->wants_turn = true;
  }
}

void H2Codec::Consumed(uint32_t number, uint32_t size) {
  if (dead_) return;  // nothing is said behind the last word
  Stream* stream = streams_.Find(number);
  if (stream != nullptr && stream->receive_open && !stream->overdue) CreditStream(stream, size);
}

void H2Codec::Reset(uint32_t number, uint32_t reason, weir_out* out) {
  Stream* stream = streams_.Find(number);
  if (stream == nullptr) return;
  if (dead_ || stream->wire == 0 || stream->overdue) {
    Forget(stream);
    return;
  }
  FlushControl(out);
  if (Room(out, kRstStreamFrameSize))
    out->at = WriteRstStream(out->at, stream->wire, CodeOf(reason, server()));
  closed_.Mark(stream->wire);
  Forget(stream);
}

// Two steps (section 6.8): first no number is named, so that requests on their way are still
// served; once the client must have read it (it has answered a PING that was sent behind it) or the
// host says so, the last one is.
void H2Codec::GoAway(uint32_t phase, weir_out* out) {
  if (dead_ || goaway_final_ || (phase < 2 && goaway_sent_)) return;
  FlushControl(out);
  if (!Room(out, kGoawayFrameSize + kPingFrameSize)) return;
  const bool last = phase >= 2;
  goaway_sent_ = true;
  goaway_final_ = last;
  goaway_last_ = last ? last_wire() : kMaxStream;
  out->at = h2::WriteGoaway(out->at, goaway_last_, ErrorCode::kNoError);
  if (last || !server()) return;
  out->at = WritePing(out->at, kDrainPing, /*ack=*/false);
  ++pings_;
}

uint32_t H2Codec::Capacity() const {
  if (dead_ || goaway_final_) return 0;
  if (server()) return streams_.size() < max_streams_ ? max_streams_ - streams_.size() : 0;
  // What the backend allows is known with its first SETTINGS.
  if (peer_goaway_ || goaway_sent_ || !peer_settings_) return 0;
  const uint32_t most = std::min(max_streams_, peer_.max_concurrent_streams());
  if (streams_.size() >= most) return 0;
  // Streams that have a number but no identifier yet will take one each.
  const uint32_t left = next_number_ > kMaxStream ? 0 : (kMaxStream - next_number_) / 2 + 1;
  return std::min(most - streams_.size(), left);
}

uint32_t H2Codec::Reusable() const {
  if (dead_ || goaway_final_) return 0;
  if (server()) return 1;
  return peer_goaway_ || goaway_sent_ || next_number_ > kMaxStream ? 0 : 1;
}

// ---- Faults

bool H2Codec::Allow(GuardId id) {
  if (id == GuardId::kNone) return true;
  TellGuard(id);
  Die(ErrorCode::kEnhanceYourCalm, DetailOf(id));
  return false;
}

void H2Codec::TellGuard(GuardId id) const {
  Count(GuardCounter(id));
  if (host_ == nullptr || host_->log == nullptr) return;
  const char* const detail = DetailOf(id);
  host_->log(WEIR_LOG_INFO, {"h2", 2}, {detail, std::strlen(detail)});
}

void H2Codec::QueueReset(uint32_t wire, ErrorCode code) {
  if (dead_) return;
  closed_.Mark(wire);
  uint8_t* at = control_.Room(kRstStreamFrameSize);
  if (at == nullptr) {
    Allow(GuardId::kQueueGrowth);
    return;
  }
  control_.Wrote(WriteRstStream(at, wire, code));
}

void H2Codec::WriteGoaway(uint32_t last_stream, ErrorCode code, const char* detail) {
  uint8_t* at = control_.Room(kGoawayFrameSize);
  if (at == nullptr) {
    control_.Clear();  // its reader does not read
    at = control_.Room(kGoawayFrameSize);
  }
  if (at != nullptr) control_.Wrote(h2::WriteGoaway(at, last_stream, code, detail));
}

void H2Codec::Die(ErrorCode code, const char* detail) {
  if (dead_) return;
  dead_ = true;
  died_of_ = code;
  died_detail_ = detail;
  // What the last GOAWAY said may not grow (section 6.8).
  WriteGoaway(std::min(goaway_last_, last_wire()), code, detail);
  DropBlock();
}

}  // namespace weir::h2
