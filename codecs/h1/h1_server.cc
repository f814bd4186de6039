// Server position: requests come in, responses go out.
#include <algorithm>
#include <cstring>

#include "codecs/h1/h1_codec.h"
#include "codecs/h1/request_line.h"
#include "codecs/h1/request_target.h"
#include "plugins/abi/tokens.h"
#include "plugins/util/ascii.h"

namespace weir::h1 {

namespace {

weir_view View(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

// ---- Requests ---------------------------------------------------------------------------------

// One empty line may stand before a request line (RFC 9112 section 2.2). False: wait for more.
bool H1Codec::SkipLeadingLine(Span* span) {
  if (leading_line_ || span->left() == 0 || *span->at() != '\r') return true;
  if (span->left() == 1) return span->eof;
  if (span->at()[1] != '\n') return true;
  leading_line_ = true;
  span->used += 2;
  return true;
}

bool H1Codec::ReceiveRequestHead(Span* span) {
  if (!SkipLeadingLine(span)) return true;
  if (span->left() == 0) {
    if (span->eof) EndConnection();
    return true;
  }
  if (NeedMoreHead(span, max_head_bytes_, max_fields_ + 1)) return true;
  size_t head_size = 0;
  Fault fault;
  const Parse parse = ParseRequest(span->at(), span->left(), &head_size, &fault);
  if (parse == Parse::kPartial) {
    if (span->eof) {
      GiveFault(span, {0, WEIR_REASON_TRUNCATED, nullptr, "http1.truncated_head"}, span->left());
      span->event->stream = 0;
    } else if (!scan_.active()) {
      scan_.Ready(span->at(), span->left(), max_fields_ + 1);
    }
    return true;
  }
  scan_.Reset();
  NextStream();
  if (parse == Parse::kFault) {
    return GiveFault(span, fault, static_cast<uint64_t>(fault.at - span->at()));
  }
  const bool end = in_ == In::kHead;
  GiveHead(span, head_size, end);
  if (end) in_ = In::kDone;
  return true;
}

// A head that was begun and did not come in time (RFC 9110 section 15.5.9).
size_t H1Codec::ExpireHead(Span* span) {
  if (!server() || in_ != In::kHead || span->left() == 0) return 0;
  scan_.Reset();
  NextStream();
  GiveFault(span, {408, WEIR_REASON_TIMEOUT, nullptr, "request_header_timeout"}, span->left());
  return span->size;
}

// Parses a whole head into the scratch; sets what the exchange needs to know. in_ stays kHead when
// no body follows.
Parse H1Codec::ParseRequest(char* at, size_t size, size_t* used, Fault* fault) {
  char* const begin = at;
  char* const end = at + std::min<size_t>(size, max_head_bytes_);
  RequestLine line;
  FieldBlock block = NewBlock();
  FramingFields fields;
  bool target_ended = false;
  Parse parse = ParseRequestLine(&at, end, &line, &target_ended, fault);
  if (parse == Parse::kDone) parse = ParseFields(&at, end, &block, &fields, fault);
  if (parse == Parse::kPartial && size >= max_head_bytes_) {
    return target_ended ? Fail(fault, 431, end, "http1.headers_too_large")
                        : Fail(fault, 414, end, "http1.target_too_long");
  }
  to_head_ = line.method == "HEAD";
  if (parse != Parse::kDone) return parse;

  if (line.version < 11 && (flags_ & WEIR_CODEC_ACCEPT_HTTP_10) == 0) {
    return Fail(fault, 505, line.target.data(), "http1.unsupported_version");
  }
  Framing framing;
  Target target;
  const bool allow_connect = (flags_ & WEIR_CODEC_ALLOW_CONNECT) != 0;
  if (ParseTarget(line, fields, allow_connect, &target, fault) != Parse::kDone ||
      DecideRequest(fields, line.method, line.version, *strict_, &framing, fault) != Parse::kDone) {
    return Parse::kFault;
  }
  weir_head& head = scratch_->NewHead();
  version_ = line.version;
  if (CheckExpectation(fields, framing, fault) != Parse::kDone) return Parse::kFault;
  to_connect_ = line.method == "CONNECT";
  if (framing.upgrade && fields.upgrades != 0 && framing.body == BodyKind::kNone && !to_connect_ &&
      CheckUpgrade(fields, line.method, &block, &head, fault) != Parse::kDone) {
    return Parse::kFault;
  }
  if (framing.nominates) RemoveNominated(fields, &block);

  keep_alive_ = framing.keep_alive;
  head.kind = WEIR_HEAD_REQUEST;
  head.http_version = line.version;
  if (framing.has_length) head.flags |= WEIR_HEAD_HAS_LENGTH;
  // A tunnel's bytes have no trailers to ask for.
  if (fields.te_trailers && !upgrade_) head.flags |= WEIR_HEAD_TE_TRAILERS;
  if (expects_continue_) head.flags |= WEIR_HEAD_EXPECT_CONTINUE;
  if (to_connect_ || upgrade_) head.flags |= WEIR_HEAD_TUNNEL;
  head.content_length = framing.length;
  head.method = View(line.method);
  head.scheme = View(target.scheme);
  head.authority = View(target.authority);
  head.path = View(target.path);
  head.fields = block.fields;
  head.field_count = block.count;
  if (to_connect_ || upgrade_) {
    in_ = In::kTunnelWait;
  } else if (framing.body == BodyKind::kLength) {
    in_ = In::kLength;
    in_left_ = framing.length;
  } else if (framing.body == BodyKind::kChunked) {
    in_ = In::kChunked;
    chunked_.Reset();
  }
  *used = static_cast<size_t>(at - begin);
  return Parse::kDone;
}

// RFC 9110 section 10.1.1. HTTP/1.0 and requests without a body expect nothing.
Parse H1Codec::CheckExpectation(const FramingFields& fields, const Framing& framing, Fault* fault) {
  if (fields.expect_other) {
    return Fail(fault, 417, fields.expect.data, "http1.unknown_expectation");
  }
  expects_continue_ = fields.expect_continue && version_ >= 11 && framing.body != BodyKind::kNone;
  return Parse::kDone;
}

// RFC 9110 section 7.8. What we do not carry is ignored, as if it had not been asked: h2c, lists of
// protocols, and everything where upgrades are not allowed.
Parse H1Codec::CheckUpgrade(const FramingFields& fields, std::string_view method, FieldBlock* block,
                            weir_head* head, Fault* fault) {
  const std::string_view protocol = Text(fields.upgrade);
  const bool wanted = (flags_ & WEIR_CODEC_ALLOW_UPGRADE) != 0 && fields.upgrades == 1 &&
                      protocol.size() <= sizeof(protocol_) && util::IsToken(protocol) &&
                      !util::EqualsLower(protocol, "h2c");
  if (!wanted) return Parse::kDone;
  std::transform(protocol.begin(), protocol.end(), protocol_, util::ToLower);
  protocol_size_ = static_cast<uint8_t>(protocol.size());
  head->protocol = {protocol_, protocol_size_};
  upgrade_ = true;
  websocket_ = std::string_view(protocol_, protocol_size_) == "websocket";
  return websocket_ ? ReadWebSocketKey(fields, method, block, fault) : Parse::kDone;
}

// RFC 6455 section 4.2.1.
Parse H1Codec::ReadWebSocketKey(const FramingFields& fields, std::string_view method,
                                FieldBlock* block, Fault* fault) {
  const weir_field* const key = FindField(*block, WEIR_TOKEN_SEC_WEBSOCKET_KEY);
  const weir_field* const version = FindField(*block, WEIR_TOKEN_SEC_WEBSOCKET_VERSION);
  const bool good = method == "GET" && key != nullptr && GoodWebSocketKey(ValueOf(*key)) &&
                    version != nullptr && ValueOf(*version) == "13";
  if (!good) return Fail(fault, 400, fields.upgrade.data, "http1.invalid_websocket_handshake");
  DigestWebSocketKey(*host_, ValueOf(*key), digest_);
  RemoveField(block, "sec-websocket-key");
  RemoveField(block, "sec-websocket-accept");
  return Parse::kDone;
}

// The request is complete: what comes now must wait for its response.
bool H1Codec::ReceiveDone(Span* span) {
  if (!server()) return UnaskedBytes(span);
  if (span->left() != 0) {
    span->event->type = WEIR_EVENT_BLOCKED;
  } else if (span->eof) {
    keep_alive_ = false;  // a half-close: the response is still delivered
  }
  return true;
}

// ---- Responses --------------------------------------------------------------------------------

int32_t H1Codec::SendResponse(const weir_head& head, bool end_stream, weir_out* out) {
  if (in_ == In::kHead || head.status < 100 || head.status > 599) return WEIR_REFUSED;
  if (head.kind == WEIR_HEAD_INTERIM) return SendInterim(head, out);
  if (head.kind != WEIR_HEAD_RESPONSE) return WEIR_REFUSED;
  if ((head.flags & WEIR_HEAD_TUNNEL) != 0) return SendTunnelAnswer(head, end_stream, out);
  if (head.status < 200) return WEIR_REFUSED;
  if ((head.flags & WEIR_HEAD_CLOSE) != 0 || phase_ != 0 || in_ == In::kDead) keep_alive_ = false;
  // A client that waits for a 100 may or may not send its body now: where it ends is not known.
  if (expects_continue_ && in_ != In::kDone && !body_begun_) keep_alive_ = false;
  if (in_ == In::kTunnelWait) {  // refused: what the client sent on trust is nobody's
    keep_alive_ = false;
    in_ = In::kDone;
  }
  HeadFraming framing;
  const Out next = FrameResponse(head, end_stream, &framing);
  if (next == Out::kIdle) return WEIR_REFUSED;
  framing.close = !keep_alive_;
  framing.keep_alive = keep_alive_ && version_ < 11;
  Output output(codec_host_, out);
  WriteStatusLine(head.status, &output);
  WriteFields(head.fields, head.field_count, raw_form_, &output);
  WriteFraming(framing, &output);
  if (output.failed()) {
    EndConnection();
    return WEIR_ERROR;
  }
  out_ = next;
  if (next == Out::kDone) FinishOut();
  return WEIR_OK;
}

// How the body of a response is sent; kIdle: the head contradicts itself.
H1Codec::Out H1Codec::FrameResponse(const weir_head& head, bool end_stream, HeadFraming* framing) {
  const bool announced = (head.flags & WEIR_HEAD_HAS_LENGTH) != 0;
  framing->has_length = announced;
  framing->length = head.content_length;
  if (to_head_ || head.status == 204 || head.status == 304) {
    if (head.status == 204) framing->has_length = false;
    if (end_stream) return Out::kDone;
    out_left_ = 0;  // the end comes by itself, as from HTTP/2; the host waits for it to be taken
    return Out::kLength;
  }
  if (end_stream) {
    framing->has_length = true;
    if (!announced) framing->length = 0;
    return framing->length != 0 ? Out::kIdle : Out::kDone;
  }
  if (announced) {
    out_left_ = head.content_length;
    return Out::kLength;
  }
  if (version_ >= 11) {
    framing->chunked = true;
    return Out::kChunked;
  }
  keep_alive_ = false;
  return Out::kUntilClose;
}

int32_t H1Codec::SendInterim(const weir_head& head, weir_out* out) {
  if (head.status >= 200 || head.status == 101) return WEIR_REFUSED;
  if (version_ < 11) return WEIR_OK;  // RFC 9110 section 15.2: it would not understand
  if (head.status == 100) expects_continue_ = false;
  Output output(codec_host_, out);
  WriteStatusLine(head.status, &output);
  WriteFields(head.fields, head.field_count, raw_form_, &output);
  output.Put("\r\n");
  return output.failed() ? WEIR_ERROR : WEIR_OK;
}

int32_t H1Codec::SendTunnelAnswer(const weir_head& head, bool end_stream, weir_out* out) {
  if (in_ != In::kTunnelWait) return WEIR_REFUSED;
  HeadFraming framing;
  char accept[kAcceptSize];
  uint32_t status = 101;
  if (to_connect_) {
    status = head.status >= 200 && head.status < 300 ? head.status : 200;
  } else {
    framing.upgrade = {protocol_, protocol_size_};
    if (websocket_) {
      WriteWebSocketAccept(digest_, accept);
      framing.ws_accept = {accept, sizeof(accept)};
    }
  }
  Output output(codec_host_, out);
  WriteStatusLine(status, &output);
  WriteFields(head.fields, head.field_count, raw_form_, &output,
              framing.ws_accept.empty() ? uint16_t{WEIR_TOKEN_UNSET}
                                        : uint16_t{WEIR_TOKEN_SEC_WEBSOCKET_ACCEPT});
  WriteFraming(framing, &output);
  if (output.failed()) {
    EndConnection();
    return WEIR_ERROR;
  }
  keep_alive_ = false;
  in_ = In::kTunnel;
  out_ = Out::kTunnel;
  if (end_stream) FinishOut();
  return WEIR_OK;
}

}  // namespace weir::h1
