#include "codecs/h1/h1_codec.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace weir::h1 {

H1Codec::H1Codec(const weir_codec_params& params, Scratch* scratch)
    : host_(params.host),
      codec_host_(params.codec_host),
      strict_(params.config != nullptr ? static_cast<const Strictness*>(params.config)
                                       : &kDefaultStrictness),
      scratch_(scratch),
      window_(params.stream_window),
      max_head_bytes_(params.max_head_bytes),
      max_fields_(params.max_field_count),
      max_trailer_bytes_(std::max<uint32_t>(params.max_trailer_bytes, 2)),  // the empty line
      flags_(params.flags),
      position_(params.position),
      raw_form_(params.raw_form) {}

H1Codec* H1Codec::Create(const weir_codec_params& params) {
  const bool good = (params.position == WEIR_SERVER || params.position == WEIR_CLIENT) &&
                    params.raw_form != 0 && params.max_field_count != 0 &&
                    params.max_head_bytes != 0 && params.stream_window != 0;
  if (!good) return nullptr;
  Scratch* const scratch = Scratch::Acquire(params.codec_host, params.max_field_count);
  if (scratch == nullptr) return nullptr;
  void* const memory = params.codec_host->alloc(sizeof(H1Codec));
  if (memory == nullptr) {
    scratch->Release();
    return nullptr;
  }
  return new (memory) H1Codec(params, scratch);
}

void H1Codec::Destroy() {
  scratch_->Release();
  const weir_codec_host* const host = codec_host_;
  this->~H1Codec();
  host->free(this, sizeof(H1Codec));
}

size_t H1Codec::Receive(uint8_t* data, size_t size, uint32_t flags, weir_event* event) {
  *event = weir_event{};
  Span span{reinterpret_cast<char*>(data), size, 0, (flags & WEIR_RECEIVE_EOF) != 0, event};
  if ((flags & WEIR_RECEIVE_EXPIRED) != 0) return ExpireHead(&span);
  bool done = false;
  while (!done) {
    switch (in_) {
      case In::kHead:
        done = server() ? ReceiveRequestHead(&span) : ReceiveResponseHead(&span);
        break;
      case In::kLength:
        done = ReceiveLength(&span);
        break;
      case In::kChunked:
        done = ReceiveChunked(&span);
        break;
      case In::kTrailers:
        done = ReceiveTrailers(&span);
        break;
      case In::kUntilClose:
      case In::kTunnel:
        done = ReceiveUntilClose(&span);
        break;
      case In::kTunnelWait:  // an end of the input waits too: it will be the tunnel's
        if (size != 0 || span.eof) event->type = WEIR_EVENT_BLOCKED;
        done = true;
        break;
      case In::kDone:
        done = ReceiveDone(&span);
        break;
      case In::kDead:
        span.used = size;
        done = true;
        break;
    }
  }
  return span.used;
}

// ---- Heads ------------------------------------------------------------------------------------

FieldBlock H1Codec::NewBlock() const {
  FieldBlock block;
  block.fields = scratch_->fields;
  block.max_count = max_fields_;
  block.raw_form = raw_form_;
  return block;
}

// Whether a head (or trailer section) that was found incomplete before is not worth another look.
bool H1Codec::NeedMoreHead(Span* span, size_t limit, uint32_t max_lines) {
  if (!scan_.active() || span->eof || span->left() >= limit) return false;
  return !scan_.Ready(span->at(), span->left(), max_lines);
}

void H1Codec::GiveHead(Span* span, size_t head_size, bool end_stream) {
  weir_head& head = scratch_->head;
  head.block = {span->at(), head_size};
  span->used += head_size;
  weir_event* const event = span->event;
  event->type = head.kind == WEIR_HEAD_TRAILERS ? WEIR_EVENT_TRAILERS : WEIR_EVENT_HEAD;
  event->end_stream = end_stream ? 1 : 0;
  event->stream = stream_;
  event->user = user_;
  event->head = &head;
}

// ---- Bodies -----------------------------------------------------------------------------------

// Gives up to `most` bytes from the front of the span. False, and nothing given, when the consumer
// has no room.
bool H1Codec::GiveData(Span* span, uint64_t most) {
  const uint64_t size = std::min({static_cast<uint64_t>(span->left()), most, Room()});
  weir_event* const event = span->event;
  event->stream = stream_;
  event->user = user_;
  if (size == 0) {
    event->type = WEIR_EVENT_BLOCKED;
    return false;
  }
  event->type = WEIR_EVENT_DATA;
  event->data = reinterpret_cast<uint8_t*>(span->at());
  event->size = static_cast<size_t>(size);
  outstanding_ += static_cast<uint32_t>(size);
  span->used += static_cast<size_t>(size);
  body_begun_ = true;
  return true;
}

bool H1Codec::GiveEnd(Span* span) {
  weir_event* const event = span->event;
  event->type = WEIR_EVENT_END;
  event->end_stream = 1;
  event->stream = stream_;
  event->user = user_;
  FinishIn(*span);
  return true;
}

// The peer went away. The stream is over.
bool H1Codec::GiveTruncated(Span* span, uint16_t reason) {
  weir_event* const event = span->event;
  event->type = WEIR_EVENT_RESET;
  event->stream = stream_;
  event->user = user_;
  event->error.reason = reason;
  event->error.scope = WEIR_SCOPE_STREAM;
  event->error.detail = "http1.remote_closed";
  user_ = nullptr;
  EndConnection();
  return true;
}

// Nothing more is received. The stream, where there is one, is still the host's to end: in server
// position it may be answered.
bool H1Codec::GiveFault(Span* span, const Fault& fault, uint64_t offset) {
  weir_event* const event = span->event;
  event->type = WEIR_EVENT_ERROR;
  event->stream = discarding_ ? 0 : stream_;
  event->user = user_;
  event->error.reason = fault.reason;
  event->error.scope = WEIR_SCOPE_CONNECTION;
  event->error.status = server() ? fault.status : uint16_t{0};
  event->error.offset = offset;
  event->error.detail = fault.detail;
  in_ = In::kDead;
  keep_alive_ = false;
  if (!server() || event->error.status == 0) EndConnection();
  return true;
}

// Throws bytes of a request away whose response is complete.
bool H1Codec::Discard(Span* span, size_t size) {
  span->used += size;
  if (size > strict_->max_discarded_bytes - discarded_) {
    user_ = nullptr;
    return GiveFault(span, {0, WEIR_REASON_OVERFLOW, nullptr, "http1.request_after_response"}, 0);
  }
  discarded_ += static_cast<uint32_t>(size);
  return false;
}

bool H1Codec::ReceiveLength(Span* span) {
  if (span->left() == 0) return span->eof ? GiveTruncated(span, WEIR_REASON_TRUNCATED) : true;
  if (discarding_) {
    const auto size = static_cast<size_t>(std::min<uint64_t>(span->left(), in_left_));
    if (Discard(span, size)) return true;
    in_left_ -= size;
    if (in_left_ == 0) FinishIn(*span);
    return false;
  }
  if (!GiveData(span, in_left_)) return true;
  in_left_ -= span->event->size;
  if (in_left_ != 0) return true;
  span->event->end_stream = 1;
  FinishIn(*span);
  return true;
}

bool H1Codec::ReceiveChunked(Span* span) {
  size_t framing = 0;
  Fault fault;
  const char* const begin = span->at();
  const ChunkedDecoder::Need need =
      chunked_.Advance(begin, span->left(), *strict_, &framing, &fault);
  if (discarding_) {
    if (Discard(span, framing)) return true;
  } else {
    span->used += framing;
  }
  switch (need) {
    case ChunkedDecoder::Need::kMore:
      return span->eof ? GiveTruncated(span, WEIR_REASON_TRUNCATED) : true;
    case ChunkedDecoder::Need::kFault:
      if (discarding_) fault.status = 0;
      return GiveFault(span, fault, static_cast<uint64_t>(fault.at - begin));
    case ChunkedDecoder::Need::kTrailers:
      in_ = In::kTrailers;
      scan_.Reset();
      return false;
    case ChunkedDecoder::Need::kData:
      break;
  }
  if (span->left() == 0) return span->eof ? GiveTruncated(span, WEIR_REASON_TRUNCATED) : true;
  if (discarding_) {
    const auto size = static_cast<size_t>(std::min<uint64_t>(span->left(), chunked_.remaining()));
    if (Discard(span, size)) return true;
    chunked_.Took(size);
    return false;
  }
  if (!GiveData(span, chunked_.remaining())) return true;
  chunked_.Took(span->event->size);
  // The usual end right behind the data is taken with it: one event in place of two.
  constexpr std::string_view kEnd = "\r\n0\r\n\r\n";
  if (chunked_.remaining() == 0 && span->left() >= kEnd.size() &&
      std::memcmp(span->at(), kEnd.data(), kEnd.size()) == 0) {
    span->used += kEnd.size();
    span->event->end_stream = 1;
    FinishIn(*span);
  }
  return true;
}

bool H1Codec::ReceiveTrailers(Span* span) {
  if (span->left() == 0) return span->eof ? GiveTruncated(span, WEIR_REASON_TRUNCATED) : true;
  if (NeedMoreHead(span, max_trailer_bytes_, max_fields_)) return true;
  const size_t limit = std::min<size_t>(span->left(), max_trailer_bytes_);
  char* const begin = span->at();
  char* at = begin;
  FieldBlock block = NewBlock();
  FramingFields framing;
  Fault fault;
  Parse parse = ParseFields(&at, begin + limit, &block, &framing, &fault);
  if (parse == Parse::kPartial && span->left() >= max_trailer_bytes_) {
    parse = Fail(&fault, 431, begin + limit, "http1.trailers_too_large");
  }
  if (parse == Parse::kFault) {
    if (discarding_) fault.status = 0;
    return GiveFault(span, fault, static_cast<uint64_t>(fault.at - begin));
  }
  if (parse == Parse::kPartial) {
    if (span->eof) return GiveTruncated(span, WEIR_REASON_TRUNCATED);
    if (!scan_.active()) scan_.Ready(begin, span->left(), max_fields_);
    return true;
  }
  scan_.Reset();
  const auto size = static_cast<size_t>(at - begin);
  if (discarding_) {
    if (Discard(span, size)) return true;
    FinishIn(*span);
    return false;
  }
  const auto forbidden = [](const weir_field& field) { return ForbiddenInTrailers(field.token); };
  block.count = static_cast<uint32_t>(
      std::remove_if(block.fields, block.fields + block.count, forbidden) - block.fields);
  if (block.count == 0 || (flags_ & WEIR_CODEC_DROP_TRAILERS) != 0) {
    span->used += size;
    return GiveEnd(span);
  }
  weir_head& head = scratch_->NewHead();
  head.kind = WEIR_HEAD_TRAILERS;
  head.http_version = version_;
  head.fields = block.fields;
  head.field_count = block.count;
  GiveHead(span, size, true);
  FinishIn(*span);
  return true;
}

// A response that ends with the connection, and tunnels.
bool H1Codec::ReceiveUntilClose(Span* span) {
  if (span->left() == 0) return span->eof ? GiveEnd(span) : true;
  if (!GiveData(span, UINT64_MAX)) return true;
  if (span->eof && span->left() == 0) {
    span->event->end_stream = 1;
    FinishIn(*span);
  }
  return true;
}

// ---- The end of an exchange -------------------------------------------------------------------

void H1Codec::FinishIn(const Span& span) {
  // A backend that says more than its response, or that has gone, is not used again.
  if (!server() && (span.left() != 0 || span.eof)) keep_alive_ = false;
  in_ = In::kDone;
  MaybeOver();
}

void H1Codec::FinishOut() {
  out_ = Out::kDone;
  MaybeOver();
}

void H1Codec::MaybeOver() {
  if (out_ != Out::kDone) return;
  if (in_ == In::kTunnel) return;  // half of it goes on
  if (in_ == In::kDone) {
    if (keep_alive_ && phase_ < (server() ? 2 : 1)) {
      NextExchange();
    } else {
      EndConnection();
    }
    return;
  }
  if (!server()) return;
  user_ = nullptr;                         // over for the host, whatever comes of the request
  if (in_ == In::kDead || !keep_alive_) {  // tunnels too
    EndConnection();
  } else {
    discarding_ = true;
  }
}

void H1Codec::EndConnection() {
  in_ = In::kDead;
  out_ = Out::kDone;
  keep_alive_ = false;
  close_ = true;
}

void H1Codec::NextExchange() {
  user_ = nullptr;
  in_ = In::kHead;
  out_ = Out::kIdle;
  scan_.Reset();
  outstanding_ = 0;
  discarded_ = 0;
  interims_ = 0;
  discarding_ = leading_line_ = open_ = false;
  to_head_ = to_connect_ = upgrade_ = websocket_ = false;
  expects_continue_ = body_begun_ = false;
}

// ---- The host's calls -------------------------------------------------------------------------

void H1Codec::Adopt(uint32_t stream, weir_stream* user) {
  if (stream == stream_ && server()) user_ = user;
}

int32_t H1Codec::SendHead(uint32_t stream, const weir_head& head, bool end_stream, weir_out* out) {
  if (stream != stream_ || out_ != Out::kIdle || close_) return WEIR_REFUSED;
  return server() ? SendResponse(head, end_stream, out) : SendRequest(head, end_stream, out);
}

void H1Codec::Consumed(uint32_t stream, uint32_t size) {
  if (stream == stream_) outstanding_ -= std::min(outstanding_, size);
}

void H1Codec::Reset(uint32_t stream, uint32_t reason, weir_out*) {
  if (stream != stream_) return;
  (void)reason;
  if (server()) {
    if (in_ == In::kHead || discarding_) return;  // this stream was over before
    user_ = nullptr;
    EndConnection();
    return;
  }
  if (!open_) return;
  user_ = nullptr;
  open_ = false;
  if (out_ != Out::kIdle) EndConnection();  // not a byte of it was written otherwise
}

void H1Codec::GoAway(uint32_t phase, weir_out*) {
  phase_ = static_cast<uint8_t>(std::clamp<uint32_t>(phase, std::max<uint8_t>(phase_, 1), 2));
  const bool idle = server() ? in_ == In::kHead && out_ == Out::kIdle : !open_;
  if (phase_ == 2 && idle) EndConnection();
}

uint32_t H1Codec::Capacity() const {
  if (server()) return in_ == In::kHead && phase_ < 2 ? 1 : 0;
  return !open_ && Reusable() != 0 ? 1 : 0;
}

uint32_t H1Codec::Reusable() const {
  // A server that goes away still answers one request more: the client is told with the answer.
  return keep_alive_ && !close_ && phase_ < (server() ? 2 : 1) ? 1 : 0;
}

}  // namespace weir::h1
