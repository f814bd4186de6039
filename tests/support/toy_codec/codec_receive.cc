#include <algorithm>

#include "tests/support/toy_codec/codec.h"

namespace weir::toy {

std::size_t Codec::Receive(std::uint8_t* data, std::size_t size, std::uint32_t flags,
                           weir_event* event) {
  *event = weir_event{};
  std::size_t used = 0;
  eof_ = eof_ || (flags & WEIR_RECEIVE_EOF) != 0;
  const bool expired = (flags & WEIR_RECEIVE_EXPIRED) != 0;
  while (event->type == WEIR_EVENT_NONE) {
    if (broken_) return size;  // nothing more is received
    const std::size_t left = size - used;
    if (data_left_ > 0 || skip_left_ > 0) {
      if (left == 0) break;
      used += ReceiveData(data + used, left, event);
      continue;
    }
    if (left < kFrameHeadSize) break;
    const FrameHead frame = ReadFrameHead(data + used);
    if (frame.type == kData) {
      if (!StartData(frame, event)) return used;
      used += kFrameHeadSize;
      continue;
    }
    // Over the limit, or over its time, a head is not waited for: it is dropped as it comes.
    const bool whole = left >= kFrameHeadSize + frame.length;
    const bool too_large = frame.length > params_.max_head_bytes;
    if (got_hello_ && frame.type == kHead && (too_large || (expired && !whole))) {
      OnDroppedHead(frame, too_large, event);
      used += kFrameHeadSize;
      continue;
    }
    if (!whole) break;
    if (!ReceiveFrame(frame, data + used + kFrameHeadSize, event)) return used;
    used += kFrameHeadSize + frame.length;
  }
  // What is left in front of the end of the input will never be whole.
  if (event->type == WEIR_EVENT_NONE && eof_) {
    ReportEnded(event);
    return size;
  }
  return used;
}

// False: it is not done with: it must wait until control output has gone, or has more to report.
bool Codec::ReceiveFrame(const FrameHead& frame, std::uint8_t* payload, weir_event* event) {
  if (!got_hello_ && frame.type != kHello) {
    ConnectionError(event, WEIR_REASON_PROTOCOL, "toy.no_hello");
    return true;
  }
  // Any frame may need one control frame in answer.
  if (control_size_ + kControlFrame > kControlSize) {
    event->type = WEIR_EVENT_BLOCKED;
    return false;
  }
  switch (frame.type) {
    case kHello:
      OnHello(payload, frame.length, event);
      return true;
    case kHead:
      OnHead(frame, payload, event);
      return true;
    case kReset:
      OnReset(frame, payload, event);
      return true;
    case kCredit:
      OnCredit(frame, payload, event);
      return true;
    case kGoaway:
      return OnGoaway(payload, frame.length, event);
    case kPing:
      if (frame.length == 8) QueueControl(kPong, 0, Reader(payload, 8).Number(8), 8);
      return true;
    default:
      return true;  // unknown frames are dropped
  }
}

bool Codec::StartData(const FrameHead& frame, weir_event* event) {
  if (!got_hello_) {
    ConnectionError(event, WEIR_REASON_PROTOCOL, "toy.no_hello");
    return false;
  }
  if (control_size_ + kControlFrame > kControlSize) {
    event->type = WEIR_EVENT_BLOCKED;
    return false;
  }
  Stream* stream = FindWire(frame.stream);
  const bool end = (frame.flags & kEnd) != 0;
  if (stream == nullptr || stream->discard) {
    skip_left_ = frame.length;  // for a stream that is over
    if (stream != nullptr && end) CloseReceive(stream);
    return true;
  }
  if (stream->receive_closed || frame.length > stream->receive_credit) {
    ConnectionError(event, WEIR_REASON_PROTOCOL, "toy.credit_exceeded");
    return false;
  }
  stream->received += frame.length;
  const bool length_matters = stream->has_length && !stream->no_body;
  if (!stream->got_head || (length_matters && (stream->received > stream->expected ||
                                               (end && stream->received < stream->expected)))) {
    skip_left_ = frame.length;
    StreamError(stream, event, WEIR_REASON_PROTOCOL, 400, "toy.wrong_length");
    if (end && stream->number != 0) CloseReceive(stream);
    return true;
  }
  stream->receive_credit -= frame.length;
  data_left_ = frame.length;
  data_wire_ = frame.stream;
  data_end_ = end;
  if (data_left_ > 0 || !end) return true;
  event->type = WEIR_EVENT_END;
  event->stream = stream->number;
  event->user = stream->user;
  CloseReceive(stream);
  return true;
}

std::size_t Codec::ReceiveData(std::uint8_t* data, std::size_t size, weir_event* event) {
  if (skip_left_ > 0) {
    const std::size_t skipped = std::min<std::size_t>(size, skip_left_);
    skip_left_ -= static_cast<std::uint32_t>(skipped);
    return skipped;
  }
  const std::size_t shown = std::min<std::size_t>(size, data_left_);
  data_left_ -= static_cast<std::uint32_t>(shown);
  Stream* stream = FindWire(data_wire_);
  if (stream == nullptr || stream->discard) return shown;  // reset while the frame came
  event->type = WEIR_EVENT_DATA;
  event->stream = stream->number;
  event->user = stream->user;
  event->data = data;
  event->size = shown;
  if (data_left_ == 0 && data_end_) {
    event->end_stream = 1;
    CloseReceive(stream);
  }
  return shown;
}

void Codec::OnHello(std::uint8_t* payload, std::size_t size, weir_event* event) {
  Reader reader(payload, size);
  const std::uint64_t magic = reader.Number(4);
  const auto credit = static_cast<std::int64_t>(reader.Number(4));
  const auto streams = static_cast<std::uint32_t>(reader.Number(4));
  if (got_hello_ || !reader.ok() || magic != 0x544f5931) {
    ConnectionError(event, WEIR_REASON_PROTOCOL, "toy.bad_hello");
    return;
  }
  got_hello_ = true;
  peer_streams_ = streams;
  for (std::uint32_t i = 0; i < params_.max_streams; ++i) {
    Stream& stream = streams_[i];
    if (stream.number == 0) continue;
    stream.send_credit += credit - peer_credit_;
    if (stream.starved && stream.send_credit > 0) Enlist(&stream);
  }
  peer_credit_ = credit;
}

Stream* Codec::NewRequest(std::uint32_t wire, weir_event* event) {
  if (wire <= highest_wire_ || wire == kEveryStream) return nullptr;  // of a stream that is over
  highest_wire_ = wire;
  Stream* stream = goaway_ ? nullptr : Place();
  if (stream == nullptr) {
    QueueControl(kReset, wire, WEIR_REASON_REFUSED, 2);
    return nullptr;
  }
  stream->number = stream->wire = wire;
  stream->send_credit = peer_credit_;
  stream->receive_credit = FirstReceiveCredit();
  event->stream = wire;
  return stream;
}

void Codec::OnDroppedHead(const FrameHead& frame, bool too_large, weir_event* event) {
  skip_left_ = frame.length;
  Stream* stream = FindWire(frame.stream);
  if (stream == nullptr && server() && frame.stream != 0) stream = NewRequest(frame.stream, event);
  if (stream == nullptr || stream->discard) return;
  if (too_large) {
    StreamError(stream, event, WEIR_REASON_OVERFLOW, 431, "toy.head_too_large");
  } else {
    StreamError(stream, event, WEIR_REASON_TIMEOUT, 408, "toy.head_timeout");
  }
  if ((frame.flags & kEnd) != 0 && stream->number != 0) CloseReceive(stream);
}

void Codec::OnHead(const FrameHead& frame, std::uint8_t* payload, weir_event* event) {
  head_.fields = fields_;
  const HeadResult result = ReadHead(payload, frame.length, params_.max_field_count, &head_);
  Stream* stream = FindWire(frame.stream);
  if (stream == nullptr && server() && frame.stream != 0 && result != HeadResult::kMalformed &&
      head_.kind == WEIR_HEAD_REQUEST) {
    stream = NewRequest(frame.stream, event);
  }
  if (stream == nullptr) return;  // over, or refused
  if (stream->discard) {
    if ((frame.flags & kEnd) != 0) CloseReceive(stream);
    return;
  }
  OnMessageHead(stream, frame, result, event);
}

void Codec::OnMessageHead(Stream* stream, const FrameHead& frame, HeadResult result,
                          weir_event* event) {
  const bool trailers = head_.kind == WEIR_HEAD_TRAILERS;
  const bool interim = head_.kind == WEIR_HEAD_INTERIM;
  const bool end = (frame.flags & kEnd) != 0;
  const bool expected_kind =
      trailers
          ? stream->got_head && end
          : !stream->got_head && (server() ? head_.kind == WEIR_HEAD_REQUEST
                                           : head_.kind == WEIR_HEAD_RESPONSE || (interim && !end));
  if (result == HeadResult::kTooManyFields) {
    StreamError(stream, event, WEIR_REASON_OVERFLOW, 431, "toy.too_many_fields");
  } else if (result == HeadResult::kMalformed || !expected_kind || stream->receive_closed) {
    StreamError(stream, event, WEIR_REASON_PROTOCOL, 400, "toy.bad_head");
  } else if (trailers && stream->has_length && !stream->no_body &&
             stream->received != stream->expected) {
    StreamError(stream, event, WEIR_REASON_PROTOCOL, 400, "toy.wrong_length");
  } else {
    event->type = trailers ? WEIR_EVENT_TRAILERS : WEIR_EVENT_HEAD;
    event->stream = stream->number;
    event->user = stream->user;
    event->head = &head_;
    event->end_stream = end ? 1 : 0;
    if (!trailers && !interim) {
      stream->got_head = true;
      stream->has_length = (head_.flags & WEIR_HEAD_HAS_LENGTH) != 0;
      stream->no_body = (head_.flags & WEIR_HEAD_NO_BODY) != 0;
      stream->expected = head_.content_length;
    }
  }
  if (end && stream->number != 0) CloseReceive(stream);
}

void Codec::OnReset(const FrameHead& frame, std::uint8_t* payload, weir_event* event) {
  Stream* stream = FindWire(frame.stream);
  if (stream == nullptr) return;
  Reader reader(payload, frame.length);
  const auto reason = static_cast<std::uint16_t>(reader.Number(2));
  event->type = WEIR_EVENT_RESET;
  event->stream = stream->number;
  event->user = stream->user;
  event->error.scope = WEIR_SCOPE_STREAM;
  event->error.reason = reason == WEIR_REASON_REFUSED || reason == WEIR_REASON_NO_ERROR ||
                                reason == WEIR_REASON_CANCEL
                            ? reason
                            : std::uint16_t{WEIR_REASON_REMOTE_RESET};
  event->error.detail = "toy.reset";
  Forget(stream);
}

void Codec::OnCredit(const FrameHead& frame, std::uint8_t* payload, weir_event* event) {
  Stream* stream = FindWire(frame.stream);
  if (stream == nullptr) return;
  stream->send_credit += static_cast<std::int64_t>(Reader(payload, frame.length).Number(4));
  if (stream->send_credit > 0x7fffffff) {
    StreamError(stream, event, WEIR_REASON_PROTOCOL, 0, "toy.credit_overflow");
    return;
  }
  if (stream->starved && stream->send_credit > 0) Enlist(stream);
}

// The frame stays until each stream that it refuses has been reported: a host need not ask again
// when no bytes are left.
bool Codec::OnGoaway(std::uint8_t* payload, std::size_t size, weir_event* event) {
  const auto last = static_cast<std::uint32_t>(Reader(payload, size).Number(4));
  peer_goaway_ = true;
  if (!server()) {
    last_served_ = std::min(last_served_, last);
    if (ReportRefused(event)) return false;
  }
  event->type = WEIR_EVENT_GOAWAY;
  event->last_stream = last;
  return true;
}

// One stream that the peer will not serve: it may be replayed elsewhere. False: there is none left.
bool Codec::ReportRefused(weir_event* event) {
  for (std::uint32_t i = 0; i < params_.max_streams; ++i) {
    Stream& stream = streams_[i];
    if (stream.number == 0 || (stream.wire != 0 && stream.wire <= last_served_)) continue;
    event->type = WEIR_EVENT_RESET;
    event->stream = stream.number;
    event->user = stream.user;
    event->error.reason = WEIR_REASON_REFUSED;
    event->error.scope = WEIR_SCOPE_STREAM;
    event->error.detail = "toy.goaway";
    Forget(&stream);
    return true;
  }
  return false;
}

// One stream whose received half the end of the input has cut off.
bool Codec::ReportEnded(weir_event* event) {
  for (std::uint32_t i = 0; i < params_.max_streams; ++i) {
    Stream& stream = streams_[i];
    if (stream.number == 0 || stream.receive_closed) continue;
    event->type = WEIR_EVENT_RESET;
    event->stream = stream.number;
    event->user = stream.user;
    event->error.reason = stream.got_head ? WEIR_REASON_TRUNCATED : WEIR_REASON_CLOSED;
    event->error.scope = WEIR_SCOPE_STREAM;
    event->error.detail = "toy.eof";
    Forget(&stream);
    return true;
  }
  return false;
}

void Codec::ConnectionError(weir_event* event, std::uint16_t reason, const char* detail) {
  broken_ = true;
  event->type = WEIR_EVENT_ERROR;
  event->error.reason = reason;
  event->error.scope = WEIR_SCOPE_CONNECTION;
  event->error.detail = detail;
}

// A server's stream stays, so that the status can be sent; a client's is over.
void Codec::StreamError(Stream* stream, weir_event* event, std::uint16_t reason,
                        std::uint16_t status, const char* detail) {
  event->type = WEIR_EVENT_ERROR;
  event->stream = stream->number;
  event->user = stream->user;
  event->error.reason = reason;
  event->error.scope = WEIR_SCOPE_STREAM;
  event->error.status = server() ? status : std::uint16_t{0};
  event->error.detail = detail;
  if (event->error.status != 0) {
    stream->discard = true;
    return;
  }
  QueueControl(kReset, stream->wire, WEIR_REASON_PROTOCOL, 2);
  Forget(stream);
}

}  // namespace weir::toy
