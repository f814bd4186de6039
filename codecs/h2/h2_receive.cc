// Frames in: the preface, the nine octets, and the frames that are no part of a message.

#include <algorithm>
#include <cstring>

#include "codecs/h2/frames/goaway.h"
#include "codecs/h2/frames/ping.h"
#include "codecs/h2/frames/priority.h"
#include "codecs/h2/frames/rst_stream.h"
#include "codecs/h2/frames/window_update.h"
#include "codecs/h2/h2_codec.h"
#include "codecs/h2/preface.h"
#include "codecs/h2/reasons.h"

namespace weir::h2 {

size_t H2Codec::Receive(const uint8_t* data, size_t size, uint32_t flags, weir_event* event) {
  event->type = WEIR_EVENT_NONE;
  if ((flags & WEIR_RECEIVE_EXPIRED) != 0) return 0;
  if (overdue_ > 0) return ReceiveOverdue(event);
  if (block_ != nullptr && context_.open_block == 0) DropBlock();
  Input in{data, size, 0, event};
  if (size > 0) {
    last_frame_ms_ = now();
    ping_deadline_ = 0;
  }
  Step step = Step::kNext;
  while (step == Step::kNext && !dead_) {
    if (QueueGrowth::Pauses(control_.size(), limits())) {
      event->type = WEIR_EVENT_BLOCKED;  // until produce has run
      return in.used;
    }
    if (preface_left_ > 0) {
      step = ReceivePreface(&in);
    } else if (data_left_ + pad_left_ > 0) {
      step = ReceiveData(&in);
    } else if (skip_left_ > 0) {
      step = SkipPayload(&in);
    } else {
      step = ReceiveFrame(&in);
    }
  }
  if (step == Step::kEvent) return in.used;
  if (dead_) {
    GiveDeath(event);
    return size;  // nothing more is looked at
  }
  if ((flags & WEIR_RECEIVE_EOF) != 0) ReceiveEnd(event);
  return in.used;
}

H2Codec::Step H2Codec::ReceivePreface(Input* in) {
  const size_t have = kPrefaceSize - preface_left_;
  const size_t size = std::min<size_t>(in->left(), preface_left_);
  if (size == 0) return Step::kMore;
  if (std::memcmp(in->at(), kPreface + have, size) != 0) {
    Die(ErrorCode::kProtocolError, "http2.bad_preface");
    return Step::kNext;
  }
  in->used += size;
  preface_left_ = static_cast<uint8_t>(preface_left_ - size);
  return Step::kNext;
}

H2Codec::Step H2Codec::SkipPayload(Input* in) {
  const auto size = static_cast<uint32_t>(std::min<size_t>(in->left(), skip_left_));
  if (size == 0) return Step::kMore;
  in->used += size;
  skip_left_ -= size;
  return Step::kNext;
}

H2Codec::Step H2Codec::ReceiveFrame(Input* in) {
  if (in->left() < kFrameHeaderSize) return Step::kMore;
  const FrameHeader header = ReadFrameHeader(in->at());
  const Fault fault = CheckFrameHeader(header, context_);
  if (fault) {
    if (fault.scope == Scope::kConnection) return Fail(in, fault, header.stream);
    in->used += kFrameHeaderSize;
    skip_left_ = header.length;
    if (header.type == FrameType::kData && !TakeConnectionWindow(header.length)) return Step::kNext;
    return Fail(in, fault, header.stream);
  }
  return Dispatch(in, header);
}

H2Codec::Step H2Codec::Dispatch(Input* in, const FrameHeader& header) {
  if (header.type == FrameType::kData) return OnData(in, header);
  const size_t frame_size = kFrameHeaderSize + header.length;
  const bool known =
      header.type <= FrameType::kContinuation || header.type == FrameType::kPriorityUpdate;
  if (!known) {
    if (!Allow(guards_.UnknownFrame(now(), limits()))) return Step::kNext;
    in->used += kFrameHeaderSize;
    skip_left_ = header.length;
    return Step::kNext;
  }
  if (in->left() < frame_size) return Step::kMore;
  const uint8_t* const payload = in->at() + kFrameHeaderSize;
  if (header.type == FrameType::kGoaway) return OnGoaway(in, payload, frame_size);
  in->used += frame_size;
  switch (header.type) {
    case FrameType::kHeaders:
      return OnHeaders(in, header, payload);
    case FrameType::kContinuation:
      return OnContinuation(in, header, payload);
    case FrameType::kPriority:
      return OnPriority(in, header, payload);
    case FrameType::kRstStream:
      return OnRstStream(in, header, payload);
    case FrameType::kSettings:
      return OnSettings(in, header, payload);
    case FrameType::kPing:
      return OnPing(in, header, payload);
    case FrameType::kWindowUpdate:
      return OnWindowUpdate(in, header, payload);
    case FrameType::kPriorityUpdate:
      return OnPriorityUpdate(in, header, payload);
    default:  // PUSH_PROMISE: CheckFrameHeader lets none by
      Die(ErrorCode::kProtocolError, "http2.push_promise");
      return Step::kNext;
  }
}

// ---- Faults

H2Codec::Step H2Codec::GiveDeath(weir_event* event) {
  if (death_told_) return Step::kMore;
  death_told_ = true;
  event->type = WEIR_EVENT_ERROR;
  event->stream = 0;
  event->user = nullptr;
  event->error = weir_error{};
  event->error.reason = ReasonOfOwn(died_of_);
  event->error.scope = WEIR_SCOPE_CONNECTION;
  event->error.detail = died_detail_;
  return Step::kEvent;
}

// A fault of stream scope on an idle stream is one of the connection: there is nothing to reset
// (section 5.1). On a stream that is closed it says nothing new.
H2Codec::Step H2Codec::Fail(Input* in, const Fault& fault, uint32_t wire) {
  if (fault.scope == Scope::kConnection || IsIdle(wire)) {
    Die(fault.code, fault.detail);
    return Step::kNext;
  }
  Stream* stream = FindWire(wire);
  if (stream == nullptr) {
    Allow(guards_.ProvokedReset(now(), limits()));  // as if it were open: it is as much work
    return Step::kNext;
  }
  return FailStream(in, stream, fault.code, fault.detail);
}

H2Codec::Step H2Codec::FailStream(Input* in, Stream* stream, ErrorCode code, const char* detail) {
  weir_event* event = in->event;
  event->type = WEIR_EVENT_ERROR;
  event->stream = stream->number;
  event->user = stream->user;
  event->error = weir_error{};
  event->error.reason = ReasonOfOwn(code);
  event->error.scope = WEIR_SCOPE_STREAM;
  event->error.detail = detail;
  const bool known = stream->user != nullptr;
  ForgetReset(stream, code);
  if (!Allow(guards_.ProvokedReset(now(), limits()))) return Step::kNext;
  if (!known) event->type = WEIR_EVENT_NONE;
  return known ? Step::kEvent : Step::kNext;
}

void H2Codec::FillReset(weir_event* event, const Stream& stream, uint16_t reason) {
  event->type = WEIR_EVENT_RESET;
  event->stream = stream.number;
  event->user = stream.user;
  event->error = weir_error{};
  event->error.reason = reason;
  event->error.scope = WEIR_SCOPE_STREAM;
}

bool H2Codec::IsIdle(uint32_t wire) const {
  if (wire == 0) return false;
  if ((wire & 1) == 0) return true;  // nobody pushes
  return server() ? wire > last_peer_ : wire >= next_wire_;
}

// ---- Frames that are no part of a message

// RFC 9113 section 5.3.2: deprecated; read, and of no effect.
H2Codec::Step H2Codec::OnPriority(Input* in, const FrameHeader& header, const uint8_t* payload) {
  if (!Allow(guards_.Priority(now(), limits()))) return Step::kNext;
  const Fault fault = ParsePriority(header, payload);
  // It may name a stream that is idle, which then has nothing to reset.
  if (fault && (fault.scope == Scope::kConnection || !IsIdle(header.stream)))
    return Fail(in, fault, header.stream);
  if (fault) Die(fault.code, fault.detail);
  return Step::kNext;
}

H2Codec::Step H2Codec::OnRstStream(Input* in, const FrameHeader& header, const uint8_t* payload) {
  if (IsIdle(header.stream)) {
    Die(ErrorCode::kProtocolError, "http2.reset_of_idle_stream");
    return Step::kNext;
  }
  Stream* stream = FindWire(header.stream);
  const ErrorCode code = ParseRstStream(payload);
  // The end of an exchange whose answer is complete costs nobody anything.
  const bool over = stream != nullptr && !(server() ? stream->send_open : stream->receive_open);
  const bool began = stream == nullptr || (server() ? stream->head_sent : stream->head_received);
  // Nor does one that crossed our own, or that follows it (section 8.1).
  const bool known_over = over || (stream == nullptr && closed_.WasReset(header.stream));
  if (!known_over && !Allow(guards_.PeerReset(now(), began, limits()))) return Step::kNext;
  if (stream == nullptr) return Step::kNext;
  FillReset(in->event, *stream, ReasonOf(code));
  const bool known = stream->user != nullptr;
  Forget(stream);
  if (!known) in->event->type = WEIR_EVENT_NONE;
  return known ? Step::kEvent : Step::kNext;
}

H2Codec::Step H2Codec::OnSettings(Input* in, const FrameHeader& header, const uint8_t* payload) {
  context_.preface_done = true;
  if (header.Has(kFlagAck)) return OnSettingsAck(in);
  if (!Allow(guards_.Settings(now(), header.length / kSettingSize, limits()))) return Step::kNext;
  const uint32_t window_before = peer_.initial_window_size();
  SettingsCursor cursor(header, payload);
  for (Setting setting; cursor.Next(&setting);) {
    if (const Fault fault = peer_.Apply(setting, position_)) return Fail(in, fault, 0);
    // Each value in its turn: a smaller table between two larger ones still empties it.
    if (setting.id == SettingId::kHeaderTableSize) encoder_.SetPeerLimit(setting.value);
  }
  peer_.EndFrame();
  peer_settings_ = true;
  if (peer_.initial_window_size() != window_before) {
    if (const Fault fault = ShiftSendWindows(window_before, peer_.initial_window_size()))
      return Fail(in, fault, 0);
  }
  uint8_t* at = control_.Room(kFrameHeaderSize);
  if (at == nullptr) {
    Allow(GuardId::kQueueGrowth);
    return Step::kNext;
  }
  control_.Wrote(WriteSettingsAck(at));
  return Step::kNext;
}

H2Codec::Step H2Codec::OnSettingsAck(Input*) {
  if (settings_acked_) {  // nobody asked for it
    Allow(guards_.Settings(now(), 0, limits()));
    return Step::kNext;
  }
  settings_acked_ = true;
  settings_deadline_ = 0;
  decoder_.SetLimit(options_->hpack_table_size);
  if (stream_window_ >= kDefaultWindow) return Step::kNext;
  // From here on the peer counts with our window, not the RFC's.
  for (Stream* stream = all_.front(); stream != nullptr; stream = all_.next(stream))
    stream->receive_window -= kDefaultWindow - stream_window_;
  return Step::kNext;
}

H2Codec::Step H2Codec::OnPing(Input*, const FrameHeader& header, const uint8_t* payload) {
  const uint64_t opaque = ParsePing(payload);
  if (header.Has(kFlagAck)) {
    if (pings_ == 0 || (opaque != kDrainPing && opaque != kKeepalivePing)) {
      Allow(guards_.Ping(now(), limits()));  // nobody asked for it
      return Step::kNext;
    }
    --pings_;
    // The client has read what stood before our PING: the first GOAWAY.
    if (opaque == kDrainPing && goaway_sent_ && !goaway_final_) {
      goaway_final_ = true;
      goaway_last_ = last_wire();
      WriteGoaway(goaway_last_, ErrorCode::kNoError, "");
    }
    return Step::kNext;
  }
  if (!Allow(guards_.Ping(now(), limits()))) return Step::kNext;
  uint8_t* at = control_.Room(kPingFrameSize);
  if (at == nullptr) {
    Allow(GuardId::kQueueGrowth);
    return Step::kNext;
  }
  control_.Wrote(WritePing(at, opaque, /*ack=*/true));
  return Step::kNext;
}

// The frame stays until each stream that it leaves out has been reported: the host asks as long as
// there are bytes.
H2Codec::Step H2Codec::OnGoaway(Input* in, const uint8_t* payload, size_t frame_size) {
  const Goaway goaway = ParseGoaway(payload);
  peer_goaway_ = true;
  for (Stream* stream = server() ? nullptr : all_.front(); stream != nullptr;
       stream = all_.next(stream)) {
    if (stream->wire != 0 && stream->wire <= goaway.last_stream) continue;
    FillReset(in->event, *stream, WEIR_REASON_REFUSED);
    Forget(stream);
    return Step::kEvent;
  }
  in->used += frame_size;
  // A graceful end takes two; there is nothing to learn from more of them.
  if (goaway_told_ && !Allow(guards_.Settings(now(), 0, limits()))) return Step::kNext;
  goaway_told_ = true;
  in->event->type = WEIR_EVENT_GOAWAY;
  in->event->stream = 0;
  in->event->user = nullptr;
  in->event->last_stream = goaway.last_stream;
  return Step::kEvent;
}

H2Codec::Step H2Codec::OnPriorityUpdate(Input*, const FrameHeader& header, const uint8_t* payload) {
  if (!Allow(guards_.Priority(now(), limits()))) return Step::kNext;
  PriorityUpdate update;
  if (const Fault fault = ParsePriorityUpdate(header, payload, &update)) {
    Die(fault.code, fault.detail);
    return Step::kNext;
  }
  if (Stream* stream = FindWire(update.stream)) {
    scheduler_.SetPriority(stream, update.value.urgency, update.value.incremental);
  } else if (IsIdle(update.stream)) {
    for (EarlyPriority& early : early_) {
      if (early.wire != update.stream) continue;
      early.value = update.value;
      return Step::kNext;
    }
    early_[early_next_] = {update.stream, update.value};
    early_next_ = static_cast<uint8_t>((early_next_ + 1) % std::size(early_));
  }
  return Step::kNext;
}

// Streams that have ended while nothing was received: the host hears of them here.
size_t H2Codec::ReceiveOverdue(weir_event* event) {
  Stream* stream = all_.front();
  while (stream != nullptr && !stream->overdue) stream = all_.next(stream);
  if (stream == nullptr) return 0;
  FillReset(event, *stream, stream->end_reason);
  Forget(stream);
  return 0;
}

// The peer will send nothing more: whose message is not complete has lost the rest of it, and who
// waits for window waits for nothing.
H2Codec::Step H2Codec::ReceiveEnd(weir_event* event) {
  for (Stream* stream = all_.front(); stream != nullptr; stream = all_.next(stream)) {
    if (stream->user == nullptr) continue;
    if (stream->receive_open) {
      const bool begun = stream->head_received || server();
      FillReset(event, *stream, begun ? WEIR_REASON_TRUNCATED : WEIR_REASON_CLOSED);
      Forget(stream);
      return Step::kEvent;
    }
    if (stream->starved || stream->parked) {
      FillReset(event, *stream, WEIR_REASON_CLOSED);
      ForgetReset(stream, ErrorCode::kCancel);
      return Step::kEvent;
    }
  }
  input_over_ = true;
  return Step::kMore;
}

}  // namespace weir::h2
