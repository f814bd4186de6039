#include "core/http/codec_connection.h"

namespace weir::http {

using base::Slab;

void CodecConnection::OnConnectionError(const weir_error& error) {
  // The answer goes first; the codec says close after it. Where there are many streams all of them
  // are over, and the codec's last words say why.
  if (server_ && !multiplexed() && !streams_.empty()) return;
  FailStreams(error.reason, error.detail);
  Finish(true, error.reason);
}

void CodecConnection::OnDeferred() {
  if (!failed_ || gone_) return;
  if (codec_broke_) return Gone(WEIR_REASON_INTERNAL);
  // A backend that refuses the rest of a request answers and closes: the answer may be there
  // although nothing can be written.
  if (!server_) Pump();
  Gone(WEIR_REASON_REMOTE_RESET);
}

void CodecConnection::FailStreams(uint32_t reason, const char* detail) {
  while (CodecStream* stream = streams_.front()) {
    const uint32_t id = stream->id_;
    stream->Unbind();
    // As long as the codec is asked for output it must not ask for this stream's.
    if (!finished_) ResetInCodec(id, reason);
    weir_error error{};
    error.reason = static_cast<uint16_t>(reason);
    error.scope = WEIR_SCOPE_CONNECTION;
    error.detail = detail;
    stream->OnReset(error);
  }
}

void CodecConnection::ResetInCodec(uint32_t id, uint32_t reason) {
  Tell("reset", [&] { api_->reset(codec_, id, reason, &out_); });
}

void CodecConnection::Finish(bool flush, uint32_t reason) {
  if (gone_) return;
  finish_reason_ = static_cast<uint8_t>(reason);
  if (!flush) {
    Gone(reason);
    return;
  }
  StartClosing();
  MarkDirty();
}

// A peer that does not take the rest must not keep the connection for ever.
void CodecConnection::StartClosing() {
  if (closing_) return;
  closing_ = true;
  SetEndDeadline(flush_ms_);
}

void CodecConnection::Linger() {
  if (lingering_ || gone_) return;
  finished_ = true;
  FailStreams(WEIR_REASON_CLOSED);
  ReleaseInput();
  if (input_ended_ || !server_ || abort_) {
    Gone(finish_reason_);
    return;
  }
  lingering_ = true;
  io_->ShutdownWrite();
  // What the peer still sends would turn our close into a RST that could destroy the answer on its
  // way. The time is the bound, and not a count of bytes: a client in the middle of an upload sends
  // megabytes before it looks at the answer, and it could have sent as many in a body.
  SetEndDeadline(linger_ms_);
  if (io_->readable()) context_->reactor->WantRead(this);
}

void CodecConnection::SetEndDeadline(uint64_t after_ms) {
  own_deadline_ = context_->reactor->now_ms() + after_ms;
  UpdateDeadline();
}

CodecConnection::ReadResult CodecConnection::ReadDiscard(uint64_t* dropped) {
  Slab* slab = context_->receive->Prepare();
  const ssize_t n = io_->Read(slab->data() + slab->used, slab->room());
  if (n == net::kAgain) return ReadResult::kNothing;
  if (n <= 0) {
    Gone(finish_reason_);
    return ReadResult::kEnd;
  }
  *dropped += static_cast<uint64_t>(n);
  return ReadResult::kBytes;
}

void CodecConnection::Gone(uint32_t reason) {
  if (gone_) return;
  gone_ = finished_ = true;
  if (abort_) io_->AbortOnClose();
  FailStreams(reason == WEIR_REASON_NONE ? static_cast<uint32_t>(WEIR_REASON_CLOSED) : reason);
  out_.Clear();
  context_->reactor->Retire(this);
  OnGone(reason);
}

}  // namespace weir::http
