// Client position: requests go out, responses come in.
#include <algorithm>
#include <cstring>

#include "codecs/h1/h1_codec.h"
#include "codecs/h1/status_line.h"
#include "plugins/abi/tokens.h"
#include "plugins/util/ascii.h"

namespace weir::h1 {

// ---- Requests ---------------------------------------------------------------------------------

uint32_t H1Codec::Open(weir_stream* user) {
  if (server() || Capacity() == 0) return 0;
  user_ = user;
  open_ = true;
  NextStream();
  return stream_;
}

int32_t H1Codec::SendRequest(const weir_head& head, bool end_stream, weir_out* out) {
  if (!open_ || head.kind != WEIR_HEAD_REQUEST || head.authority.size == 0) return WEIR_REFUSED;
  const bool tunnel = (head.flags & WEIR_HEAD_TUNNEL) != 0;
  std::string_view method = Text(head.method);
  to_connect_ = tunnel && head.protocol.size == 0;
  upgrade_ = tunnel && !to_connect_;
  if (upgrade_ && head.protocol.size > sizeof(protocol_)) return WEIR_REFUSED;
  if (upgrade_) {
    if (method == "CONNECT") method = "GET";  // an extended CONNECT (RFC 8441)
    std::transform(head.protocol.data, head.protocol.data + head.protocol.size, protocol_,
                   util::ToLower);
    protocol_size_ = static_cast<uint8_t>(head.protocol.size);
    websocket_ = std::string_view(protocol_, protocol_size_) == "websocket";
  }
  HeadFraming framing;
  const Out next = FrameRequest(head, end_stream, &framing);
  if (next == Out::kIdle) return WEIR_REFUSED;
  char key[kKeySize];
  if (websocket_) {
    MakeWebSocketKey(*host_, key);
    DigestWebSocketKey(*host_, {key, sizeof(key)}, digest_);
    framing.ws_key = {key, sizeof(key)};
    framing.ws_version = true;
    for (uint32_t i = 0; i < head.field_count; ++i) {
      const weir_field& field = head.fields[i];
      if (field.token == WEIR_TOKEN_SEC_WEBSOCKET_VERSION &&
          (field.flags & WEIR_FIELD_REMOVED) == 0) {
        framing.ws_version = false;
      }
    }
  }
  to_head_ = method == "HEAD";
  if ((head.flags & WEIR_HEAD_CLOSE) != 0 || tunnel) keep_alive_ = false;
  framing.close = !keep_alive_ && !tunnel;
  Output output(codec_host_, out);
  WriteRequestLine(method, to_connect_ ? Text(head.authority) : Text(head.path),
                   Text(head.authority), &output);
  WriteFields(head.fields, head.field_count, raw_form_, &output,
              websocket_ ? uint16_t{WEIR_TOKEN_SEC_WEBSOCKET_KEY} : uint16_t{WEIR_TOKEN_UNSET});
  WriteFraming(framing, &output);
  if (output.failed()) {
    EndConnection();
    return WEIR_ERROR;
  }
  out_ = next;
  return WEIR_OK;
}

// How the body of a request is sent; kIdle: the head contradicts itself.
H1Codec::Out H1Codec::FrameRequest(const weir_head& head, bool end_stream, HeadFraming* framing) {
  const bool announced = (head.flags & WEIR_HEAD_HAS_LENGTH) != 0;
  if (upgrade_) framing->upgrade = {protocol_, protocol_size_};
  framing->te_trailers = (head.flags & WEIR_HEAD_TE_TRAILERS) != 0 && !upgrade_;
  if ((head.flags & WEIR_HEAD_TUNNEL) != 0) return end_stream ? Out::kDone : Out::kTunnel;
  framing->has_length = announced;
  framing->length = head.content_length;
  if (end_stream) {
    // A method that usually has a body says that it has none (RFC 9110 section 8.6).
    const std::string_view method = Text(head.method);
    if (method == "POST" || method == "PUT" || method == "PATCH") framing->has_length = true;
    if (!announced) framing->length = 0;
    return framing->length != 0 ? Out::kIdle : Out::kDone;
  }
  framing->expect_continue = (head.flags & WEIR_HEAD_EXPECT_CONTINUE) != 0;
  if (announced) {
    out_left_ = head.content_length;
    return Out::kLength;
  }
  framing->chunked = true;
  return Out::kChunked;
}

// ---- Responses --------------------------------------------------------------------------------

// Bytes of a backend that nobody asked for: whatever they are, they answer no request of ours.
bool H1Codec::UnaskedBytes(Span* span) {
  if (span->left() == 0) {
    if (!span->eof) return true;
    keep_alive_ = false;
    if (!open_) EndConnection();
    return true;
  }
  const bool live = open_;
  GiveFault(span, {0, WEIR_REASON_PROTOCOL, nullptr, "http1.unexpected_bytes"}, 0);
  if (!live) span->event->stream = 0;
  return true;
}

bool H1Codec::ReceiveResponseHead(Span* span) {
  if (out_ == Out::kIdle) return UnaskedBytes(span);
  if (span->left() == 0) {
    if (!span->eof) return true;
    return GiveTruncated(span, interims_ == 0 ? WEIR_REASON_CLOSED : WEIR_REASON_TRUNCATED);
  }
  if (NeedMoreHead(span, max_head_bytes_, max_fields_ + 1)) return true;
  size_t head_size = 0;
  Fault fault;
  const Parse parse = ParseResponse(span->at(), span->left(), &head_size, &fault);
  if (parse == Parse::kPartial) {
    if (span->eof) return GiveTruncated(span, WEIR_REASON_TRUNCATED);
    if (!scan_.active()) scan_.Ready(span->at(), span->left(), max_fields_ + 1);
    return true;
  }
  scan_.Reset();
  if (parse == Parse::kFault) {
    return GiveFault(span, fault, static_cast<uint64_t>(fault.at - span->at()));
  }
  const bool interim = scratch_->head.kind == WEIR_HEAD_INTERIM;
  const bool end = in_ == In::kHead && !interim;
  GiveHead(span, head_size, end);
  if (end) FinishIn(*span);
  return true;
}

// Parses a whole head into the scratch. in_ stays kHead when no body follows.
Parse H1Codec::ParseResponse(char* at, size_t size, size_t* used, Fault* fault) {
  char* const begin = at;
  char* const end = at + std::min<size_t>(size, max_head_bytes_);
  StatusLine line;
  FieldBlock block = NewBlock();
  FramingFields fields;
  Parse parse = ParseStatusLine(&at, end, &line, fault);
  if (parse == Parse::kDone) parse = ParseFields(&at, end, &block, &fields, fault);
  if (parse == Parse::kPartial && size >= max_head_bytes_) {
    return Fail(fault, 431, end, "http1.headers_too_large");
  }
  if (parse != Parse::kDone) return parse;

  const bool tunnel = line.status == 101 || (to_connect_ && line.status / 100 == 2);
  Framing framing;
  const ResponseFacts facts{line.status, line.version, to_head_, to_connect_};
  if (DecideResponse(fields, facts, *strict_, &framing, fault) != Parse::kDone) {
    return Parse::kFault;
  }
  weir_head& head = scratch_->NewHead();
  head.kind = WEIR_HEAD_RESPONSE;
  if (tunnel) {
    if (line.status == 101 && OpenTunnel(fields, begin, &block, fault) != Parse::kDone) {
      return Parse::kFault;
    }
    head.flags |= WEIR_HEAD_TUNNEL;
    in_ = In::kTunnel;
  } else if (line.status < 200) {
    if (interims_ == strict_->max_interim_responses) {
      return Fail(fault, 431, begin, "http1.too_many_interim_responses");
    }
    ++interims_;
    head.kind = WEIR_HEAD_INTERIM;
  } else {
    if (to_head_ || line.status == 204 || line.status == 304) head.flags |= WEIR_HEAD_NO_BODY;
    if (!framing.keep_alive) keep_alive_ = false;
    if (framing.body == BodyKind::kLength) {
      in_ = In::kLength;
      in_left_ = framing.length;
    } else if (framing.body == BodyKind::kChunked) {
      in_ = In::kChunked;
      chunked_.Reset();
    } else if (framing.body == BodyKind::kUntilClose) {
      in_ = In::kUntilClose;
    }
    // The backend took the request as a plain one: it has no body.
    if (out_ == Out::kTunnel) out_ = Out::kDone;
  }
  if (framing.nominates) RemoveNominated(fields, &block);
  version_ = line.version;
  head.http_version = line.version;
  head.status = line.status;
  if (framing.has_length) head.flags |= WEIR_HEAD_HAS_LENGTH;
  head.content_length = framing.length;
  head.fields = block.fields;
  head.field_count = block.count;
  *used = static_cast<size_t>(at - begin);
  return Parse::kDone;
}

// A 101 is good only as the answer to what was asked (RFC 9110 section 15.2.2, RFC 6455 4.1).
Parse H1Codec::OpenTunnel(const FramingFields& fields, const char* head, FieldBlock* block,
                          Fault* fault) {
  const std::string_view asked(protocol_, protocol_size_);
  bool good = upgrade_ && fields.upgrades == 1 && util::EqualsLower(Text(fields.upgrade), asked);
  if (good && websocket_) {
    char accept[kAcceptSize];
    WriteWebSocketAccept(digest_, accept);
    const weir_field* const got = FindField(*block, WEIR_TOKEN_SEC_WEBSOCKET_ACCEPT);
    good = got != nullptr && ValueOf(*got) == std::string_view(accept, sizeof(accept));
    RemoveField(block, "sec-websocket-accept");
  }
  if (!good) return Fail(fault, 502, head, "http1.unexpected_101");
  return Parse::kDone;
}

}  // namespace weir::h1
