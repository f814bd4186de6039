// Blocks of fields in: HEADERS and CONTINUATION, and what they mean for a stream.

#include <algorithm>
#include <cstring>

#include "codecs/h2/frames/continuation.h"
#include "codecs/h2/frames/headers.h"
#include "codecs/h2/h2_codec.h"
#include "codecs/h2/reasons.h"

namespace weir::h2 {

H2Codec::Step H2Codec::OnHeaders(Input* in, const FrameHeader& header, const uint8_t* payload) {
  HeadersPrefix prefix;
  const Fault fault = ParseHeadersPrefix(header, payload, &prefix);
  if (fault.scope == Scope::kConnection) return Fail(in, fault, header.stream);
  block_stream_fault_ = fault;
  const uint8_t* const fragment = payload + prefix.size;
  const bool end_stream = header.Has(kFlagEndStream);
  if (!Allow(guards_.Content(now(), prefix.fragment, end_stream, limits()))) return Step::kNext;
  if (header.Has(kFlagEndHeaders))
    return OnBlock(in, header.stream, fragment, prefix.fragment, end_stream);
  context_.open_block = header.stream;
  block_deadline_ = now() == 0 ? 0 : now() + options_->header_block_timeout_ms;
  block_ends_stream_ = end_stream;
  if (Allow(guards_.BlockBegins(prefix.fragment, limits()))) Gather(fragment, prefix.fragment);
  return Step::kNext;
}

H2Codec::Step H2Codec::OnContinuation(Input* in, const FrameHeader& header,
                                      const uint8_t* payload) {
  if (!Allow(guards_.BlockContinues(header.length, limits())) ||
      !Allow(guards_.Content(now(), header.length, false, limits())) ||
      !Gather(payload, header.length)) {
    return Step::kNext;
  }
  if (!header.Has(kFlagEndHeaders)) return Step::kNext;
  const uint32_t wire = context_.open_block;
  context_.open_block = 0;
  block_deadline_ = 0;
  const Step step = OnBlock(in, wire, block_, block_size_, block_ends_stream_);
  // The views of an event point into it; the next block takes its place, or the next drop.
  block_size_ = 0;
  return step;
}

// Bounded by the guard; false: the connection is dead.
bool H2Codec::Gather(const uint8_t* data, size_t size) {
  if (block_size_ + size > block_room_) {
    const auto room = static_cast<uint32_t>(std::max<size_t>(block_size_ + size, 16384) * 2);
    // 64 readable bytes stand behind it, as behind all that is scanned.
    auto* block = static_cast<uint8_t*>(codec_host_->alloc(room + 64));
    if (block == nullptr) {
      Die(ErrorCode::kInternalError, "http2.no_memory");
      return false;
    }
    if (block_size_ > 0) std::memcpy(block, block_, block_size_);
    if (block_ != nullptr) codec_host_->free(block_, block_room_ + 64);
    block_ = block;
    block_room_ = room;
  }
  if (size > 0) std::memcpy(block_ + block_size_, data, size);
  block_size_ += static_cast<uint32_t>(size);
  return true;
}

void H2Codec::DropBlock() {
  if (block_ != nullptr) codec_host_->free(block_, block_room_ + 64);
  block_ = nullptr;
  block_size_ = block_room_ = 0;
}

hpack::Block H2Codec::NewBlock(uint32_t max_list) const {
  hpack::Block block;
  block.fields = scratch_->fields;
  block.max_fields = max_fields_ + 6;
  block.max_list_size = max_list;
  block.at = scratch_->text;
  block.limit = scratch_->text + size_t{2} * scratch_->max_list;
  return block;
}

bool H2Codec::Decode(const uint8_t* data, size_t size, hpack::Block* block, hpack::Status* status) {
  *status = decoder_.Decode(data, size, block);
  if (*status == hpack::Status::kCompression) {
    Die(ErrorCode::kCompressionError, decoder_.detail());
  } else if (*status == hpack::Status::kNoMemory) {
    Die(ErrorCode::kInternalError, decoder_.detail());
  } else {
    Allow(guards_.HeaderList(now(), static_cast<uint32_t>(size), block->list_size, limits()));
  }
  return !dead_;
}

// Decoded all the same, so that the tables stay in step.
H2Codec::Step H2Codec::IgnoreBlock(const uint8_t* data, size_t size) {
  hpack::Block block = NewBlock(max_head_bytes_);
  hpack::Status status;
  Decode(data, size, &block, &status);
  return Step::kNext;
}

H2Codec::Step H2Codec::OnBlock(Input* in, uint32_t wire, const uint8_t* data, size_t size,
                               bool end_stream) {
  Stream* stream = FindWire(wire);
  if (server() && stream == nullptr && wire > last_peer_)
    return OnRequestBlock(in, wire, data, size, end_stream);
  if (stream == nullptr) {
    // Section 5.1: of a stream that both ends closed nothing more can come; of one that we have
    // reset it was on its way.
    if (IsIdle(wire)) {
      Die(ErrorCode::kProtocolError, "http2.headers_on_idle_stream");
    } else if (!closed_.WasUsed(wire)) {
      Die(ErrorCode::kProtocolError, "http2.stream_passed_over");
    } else if (closed_.WasReset(wire)) {
      return IgnoreBlock(data, size);
    } else {
      Die(ErrorCode::kStreamClosed, "http2.headers_on_closed_stream");
    }
    return Step::kNext;
  }
  if (!stream->receive_open || block_stream_fault_) {
    const Fault fault = block_stream_fault_;
    if (IgnoreBlock(data, size); dead_) return Step::kNext;
    if (fault) return FailStream(in, stream, fault.code, fault.detail);
    return FailStream(in, stream, ErrorCode::kStreamClosed, "http2.headers_after_end");
  }
  if (server() || stream->head_received) return OnTrailerBlock(in, stream, data, size, end_stream);
  return OnResponseBlock(in, stream, data, size, end_stream);
}

// ---- Requests

H2Codec::Step H2Codec::OnRequestBlock(Input* in, uint32_t wire, const uint8_t* data, size_t size,
                                      bool end_stream) {
  if ((wire & 1) == 0) {
    Die(ErrorCode::kProtocolError, "http2.even_stream");
    return Step::kNext;
  }
  last_peer_ = wire;
  closed_.Advance(wire);
  hpack::Block block = NewBlock(max_head_bytes_);
  hpack::Status status;
  if (!Decode(data, size, &block, &status)) return Step::kNext;
  if (goaway_final_ && wire > goaway_last_) {
    closed_.Mark(wire);  // the client knows that it is not served
    return Step::kNext;
  }
  if (block_stream_fault_) {
    QueueReset(wire, block_stream_fault_.code);
    Allow(guards_.ProvokedReset(now(), limits()));
    return Step::kNext;
  }
  Stream* stream = streams_.size() < max_streams_ ? NewStream(wire) : nullptr;
  if (stream == nullptr || !scheduler_.Join(stream, 1)) {
    if (stream != nullptr) {
      stream->wire = wire;
      Forget(stream);
    }
    QueueReset(wire, ErrorCode::kRefusedStream);
    Allow(guards_.ProvokedReset(now(), limits()));
    return Step::kNext;
  }
  stream->wire = wire;
  guards_.StreamOpened(limits());
  if (status != hpack::Status::kOk)
    return RefuseHead(in, stream, end_stream, {431, decoder_.detail()});
  HeadReader reader(&block, &scratch_->head, end_stream);
  reader.accept_tunnels = (flags_ & WEIR_CODEC_ALLOW_UPGRADE) != 0;
  reader.accept_connect = (flags_ & WEIR_CODEC_ALLOW_CONNECT) != 0;
  const HeadFault fault = reader.Request();
  if (fault.detail != nullptr) return RefuseHead(in, stream, end_stream, fault);
  TakePriority(stream, reader);
  return GiveRequest(in, stream, end_stream);
}

void H2Codec::TakePriority(Stream* stream, const HeadReader& reader) {
  const PriorityValue* value = reader.has_priority ? &reader.priority : nullptr;
  // Section 7.1 of RFC 9218: an update goes before the field, also one that came first.
  for (const EarlyPriority& early : early_) {
    if (early.wire == stream->wire) value = &early.value;
  }
  if (value == nullptr) return;
  stream->urgency = value->urgency;
  stream->incremental = value->incremental;
}

H2Codec::Step H2Codec::GiveRequest(Input* in, Stream* stream, bool end_stream) {
  const weir_head& head = scratch_->head;
  stream->head_received = true;
  stream->tunnel = (head.flags & WEIR_HEAD_TUNNEL) != 0;
  stream->has_length = (head.flags & WEIR_HEAD_HAS_LENGTH) != 0;
  stream->length_left = head.content_length;
  GiveHead(in, stream, WEIR_EVENT_HEAD, end_stream);
  return Step::kEvent;
}

// With a status the stream stays for the host's answer, and what is left of the request is dropped.
H2Codec::Step H2Codec::RefuseHead(Input* in, Stream* stream, bool end_stream,
                                  const HeadFault& fault) {
  if (fault.status == 0) {
    const Step step = FailStream(in, stream, ErrorCode::kProtocolError, fault.detail);
    // The host has not heard of it before: it does now, for its log. It owes no answer.
    if (!dead_) in->event->type = WEIR_EVENT_ERROR;
    return dead_ ? step : Step::kEvent;
  }
  stream->discard = true;
  stream->head_received = true;
  weir_event* event = in->event;
  event->type = WEIR_EVENT_ERROR;
  event->stream = stream->number;
  event->user = stream->user;
  event->error = weir_error{};
  event->error.reason = fault.status == 431 ? WEIR_REASON_OVERFLOW : WEIR_REASON_PROTOCOL;
  event->error.scope = WEIR_SCOPE_STREAM;
  event->error.status = fault.status;
  event->error.detail = fault.detail;
  if (end_stream) CloseReceive(stream);
  return Step::kEvent;
}

void H2Codec::GiveHead(Input* in, Stream* stream, uint8_t type, bool end_stream) {
  weir_event* event = in->event;
  event->type = type;
  event->end_stream = end_stream ? 1 : 0;
  event->stream = stream->number;
  event->user = stream->user;
  event->head = &scratch_->head;
  if (end_stream) CloseReceive(stream);
}

// ---- Responses

H2Codec::Step H2Codec::OnResponseBlock(Input* in, Stream* stream, const uint8_t* data, size_t size,
                                       bool end_stream) {
  hpack::Block block = NewBlock(max_head_bytes_);
  hpack::Status status;
  if (!Decode(data, size, &block, &status)) return Step::kNext;
  if (status != hpack::Status::kOk)
    return FailStream(in, stream, ErrorCode::kEnhanceYourCalm, decoder_.detail());
  HeadReader reader(&block, &scratch_->head, end_stream);
  const HeadFault fault = reader.Response();
  if (fault.detail != nullptr)
    return FailStream(in, stream, ErrorCode::kProtocolError, fault.detail);
  weir_head& head = scratch_->head;
  if (head.kind == WEIR_HEAD_INTERIM) {
    if (stream->interims++ == options_->max_interim_responses)
      return FailStream(in, stream, ErrorCode::kEnhanceYourCalm,
                        "http2.too_many_interim_responses");
    GiveHead(in, stream, WEIR_EVENT_HEAD, false);
    return Step::kEvent;
  }
  stream->head_received = true;
  stream->no_content = stream->to_head || head.status == 204 || head.status == 304;
  if (stream->no_content) head.flags |= WEIR_HEAD_NO_BODY;
  if (stream->tunnel && head.status / 100 == 2) {
    head.flags = (head.flags | WEIR_HEAD_TUNNEL) & ~static_cast<uint32_t>(WEIR_HEAD_HAS_LENGTH);
    stream->tunnel_open = true;
  }
  stream->has_length = (head.flags & WEIR_HEAD_HAS_LENGTH) != 0 && !stream->no_content;
  stream->length_left = head.content_length;
  if (end_stream && stream->has_length && stream->length_left != 0)
    return FailStream(in, stream, ErrorCode::kProtocolError, "http2.length_without_body");
  GiveHead(in, stream, WEIR_EVENT_HEAD, end_stream);
  return Step::kEvent;
}

// ---- Trailers

H2Codec::Step H2Codec::OnTrailerBlock(Input* in, Stream* stream, const uint8_t* data, size_t size,
                                      bool end_stream) {
  hpack::Block block = NewBlock(max_trailer_bytes_);
  hpack::Status status;
  if (!Decode(data, size, &block, &status)) return Step::kNext;
  if (!end_stream)
    return FailStream(in, stream, ErrorCode::kProtocolError, "http2.trailers_do_not_end_stream");
  if (stream->has_length && stream->length_left != 0)
    return FailStream(in, stream, ErrorCode::kProtocolError, "http2.body_shorter_than_length");
  if (stream->discard) {
    CloseReceive(stream);
    return Step::kNext;
  }
  if (status != hpack::Status::kOk)
    return FailStream(in, stream, ErrorCode::kEnhanceYourCalm, "http2.trailers_too_large");
  HeadReader reader(&block, &scratch_->head, end_stream);
  const HeadFault fault = reader.Trailers();
  if (fault.detail != nullptr)
    return FailStream(in, stream, ErrorCode::kProtocolError, fault.detail);
  if (stream->tunnel_open)
    return FailStream(in, stream, ErrorCode::kProtocolError, "http2.trailers_in_tunnel");
  const bool nothing = (flags_ & WEIR_CODEC_DROP_TRAILERS) != 0 || scratch_->head.field_count == 0;
  GiveHead(in, stream, nothing ? WEIR_EVENT_END : WEIR_EVENT_TRAILERS, true);
  return Step::kEvent;
}

}  // namespace weir::h2
