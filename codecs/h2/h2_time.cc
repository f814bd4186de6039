// Time: settings that are not acknowledged, peers that take nothing, and PINGs of ours.

#include <algorithm>

#include "codecs/h2/frames/ping.h"
#include "codecs/h2/h2_codec.h"
#include "codecs/h2/reasons.h"

namespace weir::h2 {
namespace {

constexpr uint64_t kScanMs = 1000;  // how often streams that wait for window are looked at

uint64_t Sooner(uint64_t a, uint64_t b) {
  return a == 0 ? b : b == 0 ? a : std::min(a, b);
}

}  // namespace

void H2Codec::ArmScan() {
  if (scan_ms_ == 0) scan_ms_ = now() + kScanMs;
}

void H2Codec::Starve(Stream* stream) {
  scheduler_.Remove(stream);
  stream->starved = true;
  stream->reader.Starve(now());
  ArmScan();
}

uint64_t H2Codec::Deadline() const {
  if (dead_) return 0;
  uint64_t deadline = Sooner(Sooner(settings_deadline_, block_deadline_), scan_ms_);
  if (options_->keepalive_interval_ms != 0) {
    deadline =
        Sooner(deadline, ping_deadline_ != 0 ? ping_deadline_
                                             : last_frame_ms_ + options_->keepalive_interval_ms);
  }
  return deadline;
}

void H2Codec::Tick(uint64_t now_ms, weir_out* out) {
  if (dead_) return;
  if (settings_deadline_ != 0 && now_ms >= settings_deadline_) {
    settings_deadline_ = 0;
    Die(ErrorCode::kSettingsTimeout, "http2.settings_not_acknowledged");
    return;
  }
  if (block_deadline_ != 0 && now_ms >= block_deadline_) {
    block_deadline_ = 0;
    Die(ErrorCode::kEnhanceYourCalm, "http2.header_block_timeout");
    return;
  }
  if (scan_ms_ != 0 && now_ms >= scan_ms_) Scan(now_ms);
  if (!dead_ && options_->keepalive_interval_ms != 0) KeepAlive(now_ms);
  FlushControl(out);
}

// Streams whose peer opens no window, or a crack of one, hold what they asked for: they are ended.
void H2Codec::Scan(uint64_t now_ms) {
  scan_ms_ = 0;
  bool waiting = scheduler_.has_parked();
  if (!Allow(guards_.connection_reader().Check(now_ms, limits()))) return;
  Stream* next;
  for (Stream* stream = all_.front(); stream != nullptr && !dead_; stream = next) {
    next = all_.next(stream);
    if (stream->overdue) continue;
    const GuardId id = stream->slow ? stream->slow_guard : stream->reader.Check(now_ms, limits());
    if (id == GuardId::kNone) {
      waiting = waiting || stream->starved;
      continue;
    }
    TellGuard(id);
    QueueReset(stream->wire, ErrorCode::kEnhanceYourCalm);
    EndUnasked(stream, WEIR_REASON_TIMEOUT);
  }
  if (waiting) ArmScan();
}

void H2Codec::EndUnasked(Stream* stream, uint16_t reason) {
  if (stream->user == nullptr) return Forget(stream);
  scheduler_.Remove(stream);
  stream->send_open = false;
  stream->overdue = true;
  stream->end_reason = reason;
  ++overdue_;
}

void H2Codec::KeepAlive(uint64_t now_ms) {
  if (ping_deadline_ != 0) {
    if (now_ms >= ping_deadline_) Die(ErrorCode::kNoError, "http2.keepalive_timeout");
    return;
  }
  if (now_ms < last_frame_ms_ + options_->keepalive_interval_ms) return;
  ping_deadline_ = now_ms + options_->keepalive_timeout_ms;
  uint8_t* at = control_.Room(kPingFrameSize);
  if (at == nullptr) return;
  control_.Wrote(WritePing(at, kKeepalivePing, /*ack=*/false));
  if (pings_ < UINT8_MAX) ++pings_;
}

}  // namespace weir::h2
