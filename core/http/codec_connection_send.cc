#include "core/http/codec_connection.h"

namespace weir::http {

void CodecConnection::OnFlush() {
  if (gone_ || !connected_ || (!decided() && !closing_)) return;
  for (int round = 0; round < 4; ++round) {
    const bool more = Produce();
    if (gone_ || codec_broke_) return;
    if (!out_.empty() && io_->writable()) {
      const ssize_t n = out_.WriteTo(io_.get());
      if (n == net::kFailed) {
        failed_ = true;
        context_->reactor->Defer(this);
        return;
      }
      bytes_sent_ += static_cast<uint64_t>(n);
    }
    if (glutted_ && out_.bytes() < kOutLimit) {
      glutted_ = false;
      context_->reactor->WantRead(this);
    }
    if (!out_.empty()) {
      out_.Compact();
      return;
    }
    if (!more) break;
    if (round == 3) {
      MarkDirty();
      return;
    }
  }
  if (closing_) {
    // The Io may have taken more than it could pass on (net::Io::writable): an end now would cut
    // it.
    if (io_->writable()) Linger();
    return;
  }
  if (half_closed_ && !fin_sent_) {
    fin_sent_ = true;
    io_->ShutdownWrite();
  }
  OnDrained();
}

// Asks the codec for output. True: it has more, or was not asked because too much waits already.
bool CodecConnection::Produce() {
  if (finished_ || !decided()) return false;
  if (out_.bytes() >= kOutLimit) {
    if (!sent_.empty()) ReportSent();
    return true;
  }
  const uint32_t produced =
      Ask("produce", 0u, [&] { return api_->produce(codec_, kOutLimit - out_.bytes(), &out_); });
  if (codec_broke_) return false;
  full_ = (produced & WEIR_PRODUCED_FULL) != 0;
  if ((produced & WEIR_PRODUCED_EVENTS) != 0) {
    events_wait_ = true;
    if (!closing()) context_->reactor->WantRead(this);
  } else if (blocked_ && multiplexed() && bytes_sent_ + out_.bytes() > output_seen_) {
    context_->reactor->WantRead(this);  // what waited for its answers to leave
  }
  if ((produced & WEIR_PRODUCED_CLOSE) != 0) {
    if ((produced & WEIR_PRODUCED_HALF) != 0 || TunnelDrains()) {
      half_closed_ = true;
    } else {
      StartClosing();
    }
  }
  if (timed_) AskDeadline();
  if (!sent_.empty()) ReportSent();
  return (produced & WEIR_PRODUCED_MORE) != 0;
}

// Both halves of a server's tunnel are over, but what came may still be on its way to a backend.
bool CodecConnection::TunnelDrains() {
  if (!server_) return false;
  for (CodecStream* stream = streams_.front(); stream != nullptr; stream = streams_.next(stream)) {
    if (stream->tunnel_ && stream->sent_all_ && stream->received_all_) return true;
  }
  return false;
}

void CodecConnection::ReportSent() {
  while (CodecStream* stream = sent_.PopFront()) {
    // A tunnel that we ended first goes on the other way; its stream then ends it.
    if (server_ ? !stream->tunnel_ : stream->received_all_) stream->Unbind();
    stream->OnSent();
  }
  if (!server_ || closing()) return;
  if (input_size_ > 0 || (io_->readable() && !input_ended_) || (input_ended_ && !end_reported_)) {
    context_->reactor->WantRead(this);
  } else if (input_ended_ && streams_.empty()) {
    // After the last answer a FIN that came before it can be acted on.
    Finish(true, WEIR_REASON_NONE);
  }
}

void CodecConnection::Wake(CodecStream* stream) {
  Tell("ready", [&] { api_->ready(codec_, stream->id_); });
  MarkDirty();
}

}  // namespace weir::http
