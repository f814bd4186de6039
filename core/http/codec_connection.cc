#include "core/http/codec_connection.h"

#include <algorithm>
#include <utility>

#include "core/net/tls_session.h"

namespace weir::http {

CodecConnection::CodecConnection(net::WorkerContext* context, std::unique_ptr<net::Io> io,
                                 const CodecSet* codecs)
    : context_(context),
      io_(std::move(io)),
      codecs_(codecs),
      server_(codecs->fallback().params.position == WEIR_SERVER),
      out_(context->pool) {
  // Without a choice, and without a handshake to wait for, the codec is known now.
  const bool settled = codecs->choices.size() == 1 || (!server_ && io_->tls() == nullptr);
  if (settled) Adopt(codecs->fallback());
  io_->set_client(this);
}

CodecConnection::~CodecConnection() {
  finished_ = true;
  FailStreams(WEIR_REASON_CLOSED);
  ReleaseInput();
  DestroyCodec();
}

bool CodecConnection::Adopt(const CodecChoice& choice) {
  weir_codec_params params = choice.params;
  params.secure = io_->tls() != nullptr ? 1 : 0;
  params.now_ms = context_->reactor->now_ms_place();
  if (!CreateCodec(choice, params)) return false;
  multiplexed_ = choice.multiplexed();
  timed_ = WEIR_HAS(api_, tick) && api_->deadline != nullptr && api_->tick != nullptr;
  if (goaway_ != 0) GoAway(goaway_);
  return true;
}

bool CodecConnection::DecideByTransport() {
  const net::TlsSession* tls = io_->tls();
  const CodecChoice* choice = tls == nullptr ? nullptr : codecs_->ByAlpn(tls->alpn());
  if (choice == nullptr && !server_) choice = &codecs_->fallback();
  return choice == nullptr || Adopt(*choice);
}

bool CodecConnection::DecideByInput() {
  const CodecChoice* choice = nullptr;
  if (input_size_ > 0) {
    const CodecSet::Probed probed = ProbeInput();
    if (probed.verdict == CodecSet::Verdict::kFailed) {
      Gone(WEIR_REASON_INTERNAL);
      return false;
    }
    choice = probed.choice;
    if (choice == nullptr && input_ended_) choice = &codecs_->fallback();
  }
  if (choice == nullptr) return false;
  if (!Adopt(*choice)) Gone(WEIR_REASON_INTERNAL);
  return !gone_;
}

void CodecConnection::Start() {
  connected_ = io_->connected();
  if (connected_ && !decided() && !DecideByTransport()) {
    Gone(WEIR_REASON_INTERNAL);
    return;
  }
  if (connected_ && multiplexed()) MarkDirty();  // its first words need no request
  if (connected_ && io_->readable()) Pump();
}

bool CodecConnection::Open(CodecStream* stream) {
  if (closing() || !decided()) return false;
  const uint32_t id =
      Ask("open", 0u, [&] { return api_->open(codec_, reinterpret_cast<weir_stream*>(stream)); });
  if (id == 0) return false;
  Bind(stream, id);
  return true;
}

void CodecConnection::Bind(CodecStream* stream, uint32_t id) {
  stream->connection_ = this;
  stream->id_ = id;
  stream->end_queued_ = stream->sent_all_ = stream->received_all_ = stream->tunnel_ = false;
  stream->trailers_ = nullptr;
  stream->body_.Clear();
  streams_.PushBack(stream);
  if (multiplexed()) context_->reactor->SharedStreamBegins();
}

void CodecConnection::GoAway(uint32_t phase) {
  if (finished_) return;
  if (!decided()) {
    goaway_ = static_cast<uint8_t>(phase);
    return;
  }
  Tell("goaway", [&] { api_->goaway(codec_, phase, &out_); });
  MarkDirty();
}

void CodecConnection::OnIo(bool readable, bool writable) {
  if (gone_) return;
  if (!connected_) {
    if (!io_->connected()) {
      if (io_->error() != 0) Gone(WEIR_REASON_CLOSED);
      return;
    }
    connected_ = true;
    if (!decided() && !DecideByTransport()) return Gone(WEIR_REASON_INTERNAL);
    OnConnected();
    if (gone_) return;
    MarkDirty();
  }
  if (writable && (!out_.empty() || closing_)) MarkDirty();
  if (!readable) return;
  if (server_ && input_ended_ && ResetAfterEnd()) {
    Gone(WEIR_REASON_REMOTE_RESET);
    return;
  }
  Pump();
}

// A client that sent its FIN waits for its answers; one that resets the connection after it does
// not. While nothing is to be written, nothing but a read tells.
bool CodecConnection::ResetAfterEnd() {
  uint8_t byte;
  return io_->Read(&byte, 1) == net::kFailed;
}

// ---- Time -------------------------------------------------------------------------------------

void CodecConnection::SetOwnDeadline(uint64_t deadline_ms) {
  if (closing()) return;  // the deadline is that of the end
  own_deadline_ = deadline_ms;
  UpdateDeadline();
}

void CodecConnection::UpdateDeadline() {
  // What the codec still wants to do in time is of no use to a connection that ends.
  const uint64_t codec = closing() ? 0 : codec_deadline_;
  uint64_t next = own_deadline_ == 0 ? codec : own_deadline_;
  if (codec != 0) next = std::min(next, codec);
  context_->reactor->SetDeadline(this, next);
}

uint64_t CodecConnection::AskCodecDeadline() {
  return Ask("deadline", uint64_t{0}, [&] { return api_->deadline(codec_); });
}

void CodecConnection::AskDeadline() {
  const uint64_t due = AskCodecDeadline();
  if (due == codec_deadline_) return;
  codec_deadline_ = due;
  UpdateDeadline();
}

void CodecConnection::OnDeadline() {
  const uint64_t now = context_->reactor->now_ms();
  if (codec_deadline_ != 0 && codec_deadline_ <= now && !closing()) {
    Tell("tick", [&] { api_->tick(codec_, now, &out_); });
    // One that is still due waits for the next millisecond, so that the turns do not go round.
    const uint64_t due = AskCodecDeadline();
    codec_deadline_ = due == 0 ? 0 : std::max(due, now + 1);
    MarkDirty();
  }
  if (own_deadline_ != 0 && own_deadline_ <= now) {
    own_deadline_ = 0;
    if (closing_ || lingering_) return Gone(finish_reason_);
    OnOwnDeadline();
  }
  if (!gone_) UpdateDeadline();
}

}  // namespace weir::http
