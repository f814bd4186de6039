// Output: heads, body in frames, and what waits in the control queue.

#include <algorithm>
#include <cstring>

#include "codecs/h2/counters.h"
#include "codecs/h2/frames/continuation.h"
#include "codecs/h2/frames/data.h"
#include "codecs/h2/frames/headers.h"
#include "codecs/h2/frames/window_update.h"
#include "codecs/h2/h2_codec.h"
#include "codecs/h2/preface.h"
#include "codecs/h2/reasons.h"

namespace weir::h2 {
namespace {

constexpr size_t kMostRoom = 65536;  // of one out_room

bool Removed(const weir_field& field) {
  return (field.flags & WEIR_FIELD_REMOVED) != 0;
}

// The list as the peer counts it (RFC 9113 section 10.5.1), which is never less than what its
// encoding takes.
uint64_t ListSize(const weir_head& head) {
  // At most: six pseudo-fields, content-length, te, expect and a WebSocket's version.
  uint64_t size =
      head.kind == WEIR_HEAD_TRAILERS
          ? 0
          : 10 * 48 + head.method.size + head.authority.size + head.path.size + head.protocol.size;
  for (uint32_t i = 0; i < head.field_count; ++i) {
    if (!Removed(head.fields[i]))
      size += uint64_t{head.fields[i].name_size} + head.fields[i].value_size + 32;
  }
  return size;
}

std::string_view Text(weir_view view) {
  return {view.data, view.size};
}

}  // namespace

// ---- Our first words

void H2Codec::QueuePreface() {
  if (!server()) {
    uint8_t* at = control_.Room(kPrefaceSize);
    if (at == nullptr) return Die(ErrorCode::kInternalError, "http2.no_memory");
    std::memcpy(at, kPreface, kPrefaceSize);
    control_.Wrote(at + kPrefaceSize);
  }
  QueueSettings();
}

void H2Codec::QueueSettings() {
  Setting settings[kMaxOwnSettings];
  size_t count = 0;
  const auto say = [&](SettingId id, uint32_t value) { settings[count++] = {id, value}; };
  if (options_->hpack_table_size != hpack::kDefaultTableSize)
    say(SettingId::kHeaderTableSize, options_->hpack_table_size);
  if (stream_window_ != kDefaultWindow) say(SettingId::kInitialWindowSize, stream_window_);
  say(SettingId::kMaxHeaderListSize, max_head_bytes_);
  if (server()) {
    say(SettingId::kMaxConcurrentStreams, max_streams_);
    say(SettingId::kNoRfc7540Priorities, 1);
    if ((flags_ & WEIR_CODEC_ALLOW_UPGRADE) != 0) say(SettingId::kEnableConnectProtocol, 1);
  } else {
    say(SettingId::kEnablePush, 0);
  }
  uint8_t* at = control_.Room(kSettingsFrameSize + kWindowUpdateFrameSize);
  if (at == nullptr) return Die(ErrorCode::kInternalError, "http2.no_memory");
  at = WriteSettings(at, settings, count);
  const uint32_t window = options_->initial_connection_window_size;
  if (window > kDefaultWindow) {
    at = WriteWindowUpdate(at, 0, window - kDefaultWindow);
    receive_window_ = window;
  }
  control_.Wrote(at);
}

bool H2Codec::Room(weir_out* out, size_t size) {
  if (static_cast<size_t>(out->limit - out->at) < size) codec_host_->out_room(out, size);
  return static_cast<size_t>(out->limit - out->at) >= size;
}

// ---- Heads

int32_t H2Codec::SendHead(uint32_t number, const weir_head& head, bool end_stream, weir_out* out) {
  Stream* stream = streams_.Find(number);
  if (dead_ || stream == nullptr || !CheckSend(*stream, head, end_stream)) return WEIR_REFUSED;
  // Advice of the peer's (section 6.5.2), and better heeded: it would refuse the block.
  if (ListSize(head) > std::max(peer_.max_header_list_size(), 1024u)) return WEIR_NO_ROOM;
  FlushControl(out);
  if (stream->wire == 0) {
    const int32_t named = NameWire(stream, head);
    if (named != WEIR_OK) return named;
  }
  WriteHead(stream, head, end_stream, out);
  if (dead_) return WEIR_ERROR;
  if (head.kind == WEIR_HEAD_INTERIM) return WEIR_OK;
  stream->head_sent = true;
  if ((head.flags & WEIR_HEAD_TUNNEL) != 0 && server()) stream->tunnel_open = true;
  if (end_stream) {
    CloseSend(stream);
    return WEIR_OK;
  }
  if (server()) TakeResponsePriority(stream, head);
  if (stream->wants_turn) scheduler_.Enlist(stream);
  return WEIR_OK;
}

// RFC 9218 section 8: the origin's word goes before the client's, member by member.
void H2Codec::TakeResponsePriority(Stream* stream, const weir_head& head) {
  PriorityValue said;
  for (uint32_t i = 0; i < head.field_count; ++i) {
    const weir_field& field = head.fields[i];
    if (field.token != WEIR_TOKEN_PRIORITY || Removed(field)) continue;
    said = OverlayPriority(said, ParsePriorityValue({field.value, field.value_size}));
  }
  if (!said.has_urgency && !said.has_incremental) return;
  scheduler_.SetPriority(stream, said.has_urgency ? said.urgency : stream->urgency,
                         said.has_incremental ? said.incremental : stream->incremental);
}

bool H2Codec::CheckSend(const Stream& stream, const weir_head& head, bool end_stream) const {
  if (!stream.send_open || stream.head_sent) return false;
  if (!server()) {
    if (head.kind != WEIR_HEAD_REQUEST || head.method.size == 0 || peer_goaway_) return false;
    // RFC 8441 section 3: only where the server has said that it knows how.
    return (head.flags & WEIR_HEAD_TUNNEL) == 0 || head.protocol.size == 0 ||
           peer_.enable_connect_protocol();
  }
  if (head.kind == WEIR_HEAD_INTERIM)
    return head.status >= 100 && head.status < 200 && head.status != 101 && !end_stream;
  if (head.kind != WEIR_HEAD_RESPONSE) return false;
  const bool tunnel = (head.flags & WEIR_HEAD_TUNNEL) != 0;
  if (tunnel && !stream.tunnel) return false;  // nobody has asked for one
  return (head.status >= 200 && head.status <= 599) || (tunnel && head.status == 101);
}

// Identifiers rise on the wire in the order of the heads (section 5.1.1).
int32_t H2Codec::NameWire(Stream* stream, const weir_head& head) {
  if (next_wire_ > kMaxStream) return WEIR_REFUSED;
  if (stream->group == nullptr && !scheduler_.Join(stream, head.group)) return WEIR_ERROR;
  stream->wire = next_wire_;
  next_wire_ += 2;
  closed_.Advance(stream->wire);
  if (stream->wire == stream->number) --unnamed_;
  stream->to_head = Text(head.method) == "HEAD";
  stream->tunnel = (head.flags & WEIR_HEAD_TUNNEL) != 0;
  guards_.StreamOpened(limits());
  return WEIR_OK;
}

void H2Codec::WriteHead(Stream* stream, const weir_head& head, bool end_stream, weir_out* out) {
  const size_t most = static_cast<size_t>(ListSize(head)) + hpack::Encoder::kMaxBegin;
  const size_t frame = std::min<size_t>(peer_.max_frame_size(), kMostRoom - kFrameHeaderSize);
  if (most > frame || !Room(out, kFrameHeaderSize + most)) {
    WriteBlockInFrames(stream->wire, head, most, end_stream, out);
    return;
  }
  // The nine octets are written once the block's size is known.
  uint8_t* const start = out->at;
  out->at += kFrameHeaderSize;
  EncodeHead(head, out);
  const auto size = static_cast<uint32_t>(out->at - start - kFrameHeaderSize);
  WriteHeadersHeader(start, stream->wire, size, /*end_headers=*/true, end_stream);
}

// A block that may be too large for one frame is made apart and cut.
void H2Codec::WriteBlockInFrames(uint32_t wire, const weir_head& head, size_t most, bool end_stream,
                                 weir_out* out) {
  auto* const memory = static_cast<uint8_t*>(codec_host_->alloc(most));
  if (memory == nullptr) return Die(ErrorCode::kInternalError, "http2.no_memory");
  weir_out whole{memory, memory + most};
  EncodeHead(head, &whole);
  const size_t frame = std::min<size_t>(peer_.max_frame_size(), kMinMaxFrameSize);
  const uint8_t* at = memory;
  bool first = true;
  do {
    const size_t size = std::min(frame, static_cast<size_t>(whole.at - at));
    const bool last = at + size == whole.at;
    if (!Room(out, kFrameHeaderSize + size)) {
      Die(ErrorCode::kInternalError, "http2.no_memory");
      break;
    }
    const auto length = static_cast<uint32_t>(size);
    out->at = first ? WriteHeadersHeader(out->at, wire, length, last, end_stream)
                    : WriteContinuationHeader(out->at, wire, length, last);
    if (size > 0) std::memcpy(out->at, at, size);
    out->at += size;
    at += size;
    first = false;
  } while (at < whole.at);
  codec_host_->free(memory, most);
}

// The room was made before: no call here can fail.
void H2Codec::EncodeHead(const weir_head& head, weir_out* out) {
  encoder_.Begin(out);
  if (head.kind == WEIR_HEAD_REQUEST) {
    EncodeRequestStart(head, out);
  } else if (head.kind != WEIR_HEAD_TRAILERS) {
    // What HTTP/1.1 calls 101 is any success here (RFC 8441 section 5).
    encoder_.Status(out, head.status == 101 ? 200 : head.status);
  }
  const bool tunnel = (head.flags & WEIR_HEAD_TUNNEL) != 0;
  bool versioned = false;
  for (uint32_t i = 0; i < head.field_count; ++i) {
    const weir_field& field = head.fields[i];
    if (Removed(field)) continue;
    // RFC 8441 section 5: the key and its answer belong to HTTP/1.1.
    if (tunnel && (field.token == WEIR_TOKEN_SEC_WEBSOCKET_KEY ||
                   field.token == WEIR_TOKEN_SEC_WEBSOCKET_ACCEPT)) {
      continue;
    }
    versioned = versioned || field.token == WEIR_TOKEN_SEC_WEBSOCKET_VERSION;
    encoder_.Field(out, field);
  }
  if (head.kind == WEIR_HEAD_TRAILERS) return;
  if ((head.flags & WEIR_HEAD_HAS_LENGTH) != 0 && !tunnel && head.kind != WEIR_HEAD_INTERIM &&
      head.status != 204) {
    encoder_.ContentLength(out, head.content_length);
  }
  if (head.kind != WEIR_HEAD_REQUEST) return;
  if ((head.flags & WEIR_HEAD_TE_TRAILERS) != 0) encoder_.Field(out, WEIR_TOKEN_TE, "trailers");
  if ((head.flags & WEIR_HEAD_EXPECT_CONTINUE) != 0)
    encoder_.Field(out, WEIR_TOKEN_EXPECT, "100-continue");
  if (tunnel && Text(head.protocol) == "websocket" && !versioned)
    encoder_.Field(out, WEIR_TOKEN_SEC_WEBSOCKET_VERSION, "13");
}

void H2Codec::EncodeRequestStart(const weir_head& head, weir_out* out) {
  const bool tunnel = (head.flags & WEIR_HEAD_TUNNEL) != 0;
  const bool extended = tunnel && head.protocol.size > 0;
  encoder_.Field(out, hpack::kPseudoMethod, tunnel ? "CONNECT" : Text(head.method));
  if (!tunnel || extended) {
    std::string_view scheme = Text(head.scheme);
    if (scheme.empty()) scheme = secure_ ? "https" : "http";
    encoder_.Field(out, hpack::kPseudoScheme, scheme);
    encoder_.Field(out, hpack::kPseudoPath, Text(head.path));
  }
  if (head.authority.size > 0) encoder_.Field(out, hpack::kPseudoAuthority, Text(head.authority));
  if (extended) encoder_.Field(out, hpack::kPseudoProtocol, Text(head.protocol));
}

// ---- Body

uint32_t H2Codec::Produce(uint64_t budget, weir_out* out) {
  FlushControl(out);
  if (dead_) return Over();
  if (settings_due_) {  // said now: from here on the peer has its time
    settings_due_ = false;
    if (now() != 0 && options_->settings_timeout_ms != 0)
      settings_deadline_ = now() + options_->settings_timeout_ms;
  }
  while (budget > 0) {
    Stream* stream = scheduler_.Next();
    if (stream == nullptr) break;
    if (SendBody(stream, &budget, out)) scheduler_.Rotate(stream);
    if (dead_) break;
  }
  // Nobody waits for the connection's window any more, whoever did: it begins anew.
  if (scan_ms_ != 0 && !scheduler_.has_parked()) guards_.connection_reader().Rest(now());
  FlushControl(out);  // what the ends of streams have queued
  if (dead_) return Over();
  // The last head that was gathered is of no use to anybody now.
  if (block_ != nullptr && context_.open_block == 0 && streams_.size() == 0) DropBlock();
  const uint32_t events = (overdue_ > 0 ? uint32_t{WEIR_PRODUCED_EVENTS} : 0) |
                          (scheduler_.has_parked() ? uint32_t{WEIR_PRODUCED_FULL} : 0);
  if (!scheduler_.empty()) return WEIR_PRODUCED_MORE | events;
  if (events != 0) return events;
  return goaway_final_ && streams_.size() == 0 ? WEIR_PRODUCED_CLOSE : 0;
}

bool H2Codec::SendBody(Stream* stream, uint64_t* budget, weir_out* out) {
  weir_body_info info{};
  codec_host_->body(stream->user, &info);
  // However large the peer's frames may be: others have their turn in between.
  uint64_t size = std::min<uint64_t>(info.available, kMinMaxFrameSize);
  if (info.available > 0) {
    if (input_over_ && (stream->send_window <= 0 || send_window_ <= 0)) {
      QueueReset(stream->wire, ErrorCode::kCancel);
      EndUnasked(stream, WEIR_REASON_CLOSED);
      return false;
    }
    if (stream->send_window <= 0) {
      Starve(stream);
      return false;
    }
    if (send_window_ <= 0) {
      scheduler_.Park(stream);
      guards_.connection_reader().Starve(now());
      ArmScan();
      return false;
    }
    size = std::min(
        {size, static_cast<uint64_t>(stream->send_window), static_cast<uint64_t>(send_window_)});
  }
  const bool all = size == info.available;
  const bool end = all && info.end != 0;
  if (size == 0 && !end && info.trailers == 0) {
    scheduler_.Remove(stream);
    stream->reader.Rest(now());
    return false;
  }
  if (size > 0 || end) {
    if (!Room(out, kFrameHeaderSize)) {
      Die(ErrorCode::kInternalError, "http2.no_memory");
      return false;
    }
    out->at = WriteDataHeader(out->at, stream->wire, static_cast<uint32_t>(size), end);
    if (size > 0) codec_host_->take_body(stream->user, out, size);
    stream->send_window -= static_cast<int32_t>(size);
    send_window_ -= static_cast<int32_t>(size);
    *budget -= std::min(*budget, size);
    guards_.SentData(size, limits());
  }
  if (end) {
    CloseSend(stream);
    return false;
  }
  if (all && info.trailers != 0) {
    SendTrailers(stream, out);
    return false;
  }
  if (!all) return true;
  scheduler_.Remove(stream);
  stream->reader.Rest(now());
  return false;
}

void H2Codec::SendTrailers(Stream* stream, weir_out* out) {
  const weir_head* trailers = codec_host_->trailers(stream->user);
  if (trailers != nullptr && trailers->field_count > 0) {
    if (ListSize(*trailers) > std::max(peer_.max_header_list_size(), 1024u))
      return RefuseTrailers(stream);
    WriteHead(stream, *trailers, /*end_stream=*/true, out);
  } else if (Room(out, kFrameHeaderSize)) {
    out->at = WriteDataHeader(out->at, stream->wire, 0, /*end_stream=*/true);
  }
  CloseSend(stream);
}

// The peer would not take them, and an end without them would look whole. A server's host has its
// answer in the output and does not ask further; a client's waits for one that will not come.
void H2Codec::RefuseTrailers(Stream* stream) {
  constexpr const char kDetail[] = "http2.trailers_too_large";
  Count(TrailersCounter());
  if (host_ != nullptr && host_->log != nullptr)
    host_->log(WEIR_LOG_INFO, {"h2", 2}, {kDetail, sizeof(kDetail) - 1});
  QueueReset(stream->wire, server() ? ErrorCode::kInternalError : ErrorCode::kCancel);
  if (server() || !stream->receive_open) return Forget(stream);
  EndUnasked(stream, WEIR_REASON_OVERFLOW);
}

}  // namespace weir::h2
