// DATA in, and windows both ways (RFC 9113 sections 5.2, 6.1, 6.9). The connection is credited on
// receipt and so is padding; a stream when its bytes are consumed.

#include <algorithm>

#include "codecs/h2/counters.h"
#include "codecs/h2/frames/data.h"
#include "codecs/h2/frames/window_update.h"
#include "codecs/h2/h2_codec.h"
#include "codecs/h2/reasons.h"

namespace weir::h2 {

H2Codec::Step H2Codec::OnData(Input* in, const FrameHeader& header) {
  if (in->left() < kFrameHeaderSize + DataPrefixSize(header)) return Step::kMore;
  const uint8_t* const payload = in->at() + kFrameHeaderSize;
  DataPrefix prefix;
  if (const Fault fault = ParseDataPrefix(header, payload, &prefix))
    return Fail(in, fault, header.stream);
  if (IsIdle(header.stream)) {
    Die(ErrorCode::kProtocolError, "http2.data_on_idle_stream");
    return Step::kNext;
  }
  if (!TakeConnectionWindow(header.length)) return Step::kNext;
  if (!Allow(guards_.Content(now(), prefix.content, header.Has(kFlagEndStream), limits())))
    return Step::kNext;
  in->used += kFrameHeaderSize + prefix.size;
  Stream* stream = FindWire(header.stream);
  if (stream == nullptr) return OnDataOfNobody(header, prefix);
  return StartData(in, header, prefix, stream);
}

// The bytes are read over; they were credited to the connection already.
H2Codec::Step H2Codec::OnDataOfNobody(const FrameHeader& header, const DataPrefix& prefix) {
  skip_left_ = prefix.content + prefix.padding;
  if (closed_.WasReset(header.stream)) return Step::kNext;
  QueueReset(header.stream, ErrorCode::kStreamClosed);
  Allow(guards_.ProvokedReset(now(), limits()));
  return Step::kNext;
}

H2Codec::Step H2Codec::StartData(Input* in, const FrameHeader& header, const DataPrefix& prefix,
                                 Stream* stream) {
  const auto fail = [&](ErrorCode code, const char* detail) {
    skip_left_ = prefix.content + prefix.padding;
    return FailStream(in, stream, code, detail);
  };
  const bool end = header.Has(kFlagEndStream);
  if (!stream->receive_open) return fail(ErrorCode::kStreamClosed, "http2.data_after_end");
  if (!stream->head_received) return fail(ErrorCode::kProtocolError, "http2.data_before_headers");
  stream->receive_window -= header.length;
  if (header.length > 0 && stream->receive_window < 0)
    return fail(ErrorCode::kFlowControlError, "http2.stream_window_exceeded");
  if (stream->no_content && prefix.content > 0)
    return fail(ErrorCode::kProtocolError, "http2.body_not_allowed");
  if (stream->has_length) {
    if (prefix.content > stream->length_left)
      return fail(ErrorCode::kProtocolError, "http2.body_longer_than_length");
    stream->length_left -= prefix.content;
    if (end && stream->length_left != 0)
      return fail(ErrorCode::kProtocolError, "http2.body_shorter_than_length");
  }
  if (header.length > prefix.content && !end) CreditStream(stream, header.length - prefix.content);
  if (stream->discard) {
    skip_left_ = prefix.content + prefix.padding;
    if (end) CloseReceive(stream);
    return Step::kNext;
  }
  data_stream_ = stream->number;
  data_left_ = prefix.content;
  pad_left_ = prefix.padding;
  data_ends_stream_ = end;
  if (data_left_ > 0 || pad_left_ > 0 || !end) return Step::kNext;
  return GiveEnd(in, stream);
}

H2Codec::Step H2Codec::GiveEnd(Input* in, Stream* stream) {
  in->event->type = WEIR_EVENT_END;
  in->event->stream = stream->number;
  in->event->user = stream->user;
  CloseReceive(stream);
  return Step::kEvent;
}

// What is there of the frame. The end of the stream is told with its last byte, padding included.
H2Codec::Step H2Codec::ReceiveData(Input* in) {
  if (in->left() == 0) return Step::kMore;
  const auto content = static_cast<uint32_t>(std::min<size_t>(in->left(), data_left_));
  const uint8_t* const data = in->at();
  in->used += content;
  data_left_ -= content;
  if (data_left_ == 0) {
    const auto padding = static_cast<uint32_t>(std::min<size_t>(in->left(), pad_left_));
    in->used += padding;
    pad_left_ -= padding;
  }
  Stream* stream = streams_.Find(data_stream_);
  if (stream == nullptr || !stream->receive_open) return Step::kNext;  // ended in between
  const bool end = data_left_ == 0 && pad_left_ == 0 && data_ends_stream_;
  if (content == 0) return end ? GiveEnd(in, stream) : Step::kNext;
  weir_event* event = in->event;
  event->type = WEIR_EVENT_DATA;
  event->end_stream = end ? 1 : 0;
  event->stream = stream->number;
  event->user = stream->user;
  event->data = data;
  event->size = content;
  if (end) CloseReceive(stream);
  return Step::kEvent;
}

// ---- Windows that we give

bool H2Codec::TakeConnectionWindow(uint32_t size) {
  receive_window_ -= size;
  if (receive_window_ < 0) {
    Die(ErrorCode::kFlowControlError, "http2.connection_window_exceeded");
    return false;
  }
  receive_credit_ += size;
  if (receive_credit_ < options_->initial_connection_window_size / 2) return true;
  uint8_t* at = control_.Room(kWindowUpdateFrameSize);
  if (at == nullptr) return true;  // with the next frame
  control_.Wrote(WriteWindowUpdate(at, 0, receive_credit_));
  receive_window_ += receive_credit_;
  receive_credit_ = 0;
  return true;
}

void H2Codec::CreditStream(Stream* stream, uint32_t size) {
  if (size == 0) return;
  stream->credit += size;
  // Told in halves of the window: a frame per read would be wasteful.
  if (stream->credit >= stream->window_size / 2) GrantWindow(stream);
}

// A window of which the host holds less than a quarter was what kept the sender waiting: it grows.
void H2Codec::GrantWindow(Stream* stream) {
  const int64_t held =
      int64_t{stream->window_size} - stream->receive_window - int64_t{stream->credit};
  uint32_t grown = 0;
  if (held < int64_t{stream->window_size} / 4 && stream->window_size < stream_window_max_) {
    grown = std::min(stream->window_size, stream_window_max_ - stream->window_size);
  }
  uint8_t* at = control_.Room(kWindowUpdateFrameSize);
  // Nobody would say it later: the peer would wait for ever.
  if (at == nullptr) return Die(ErrorCode::kInternalError, "http2.no_memory");
  control_.Wrote(WriteWindowUpdate(at, stream->wire, stream->credit + grown));
  stream->window_size += grown;
  stream->receive_window += stream->credit + grown;
  stream->credit = 0;
}

// ---- Windows that the peer gives

namespace {

uint64_t AboveZero(int32_t window) {
  return window > 0 ? static_cast<uint64_t>(window) : 0;
}

}  // namespace

// The stream's window was raised from `before`. False: the peer has made it wait too long, or too
// often.
bool H2Codec::Feed(Stream* stream, int32_t before) {
  const uint64_t granted = AboveZero(stream->send_window) - AboveZero(before);
  stream->slow_guard = stream->reader.Granted(now(), granted, limits());
  if (stream->slow_guard != GuardId::kNone) return false;
  if (stream->starved && stream->send_window > 0) scheduler_.Enlist(stream);
  return true;
}

H2Codec::Step H2Codec::FailSlow(Input* in, Stream* stream) {
  const GuardId id = stream->slow_guard;
  TellGuard(id);
  return FailStream(in, stream, ErrorCode::kEnhanceYourCalm, DetailOf(id));
}

H2Codec::Step H2Codec::OnWindowUpdate(Input* in, const FrameHeader& header,
                                      const uint8_t* payload) {
  if (IsIdle(header.stream)) {
    Die(ErrorCode::kProtocolError, "http2.window_update_of_idle_stream");
    return Step::kNext;
  }
  if (!Allow(guards_.WindowUpdate(now(), limits()))) return Step::kNext;
  uint32_t increment = 0;
  if (const Fault fault = ParseWindowUpdate(header, payload, &increment))
    return Fail(in, fault, header.stream);
  if (header.stream == 0) {
    const uint64_t before = AboveZero(send_window_);
    if (const Fault fault = RaiseWindow(0, increment, &send_window_)) return Fail(in, fault, 0);
    const uint64_t granted = AboveZero(send_window_) - before;
    if (!Allow(guards_.connection_reader().Granted(now(), granted, limits()))) return Step::kNext;
    if (send_window_ > 0) scheduler_.UnparkAll();
    return Step::kNext;
  }
  Stream* stream = FindWire(header.stream);
  if (stream == nullptr) return Step::kNext;  // closed: it was on its way
  const int32_t before = stream->send_window;
  if (const Fault fault = RaiseWindow(header.stream, increment, &stream->send_window))
    return Fail(in, fault, header.stream);
  return Feed(stream, before) ? Step::kNext : FailSlow(in, stream);
}

Fault H2Codec::ShiftSendWindows(uint32_t old_initial, uint32_t new_initial) {
  for (Stream* stream = all_.front(); stream != nullptr; stream = all_.next(stream)) {
    const int32_t before = stream->send_window;
    if (const Fault fault = ShiftWindow(old_initial, new_initial, &stream->send_window))
      return fault;
    if (stream->send_window <= before) continue;
    // Too slow a reader is ended when its streams are looked at next.
    if (Feed(stream, before)) continue;
    stream->slow = true;
    ArmScan();
  }
  return {};
}

}  // namespace weir::h2
