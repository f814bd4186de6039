#include "core/http/codec_connection.h"

#include <utility>

namespace weir::http {

CodecConnection::CodecConnection(net::WorkerContext* context, std::unique_ptr<net::Io> io,
                                 const weir_codec_api* api, const weir_codec_params& params)
    : context_(context),
      io_(std::move(io)),
      api_(api),
      server_(params.position == WEIR_SERVER),
      out_(context->pool) {
  codec_ = api->create(&params);
  io_->set_client(this);
}

CodecConnection::~CodecConnection() {
  finished_ = true;
  FailStreams(WEIR_REASON_CLOSED);
  ReleaseInput();
  if (codec_ != nullptr) api_->destroy(codec_);
}

void CodecConnection::Start() {
  connected_ = io_->connected();
  if (connected_ && multiplexed()) MarkDirty();  // its first words need no request
  if (connected_ && io_->readable()) Pump();
}

bool CodecConnection::Open(CodecStream* stream) {
  if (closing()) return false;
  const uint32_t id = api_->open(codec_, reinterpret_cast<weir_stream*>(stream));
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
}

void CodecConnection::GoAway(uint32_t phase) {
  if (finished_) return;
  api_->goaway(codec_, phase, &out_);
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
    OnConnected();
    if (gone_) return;
    MarkDirty();
  }
  if (writable && (!out_.empty() || closing_)) MarkDirty();
  if (readable) Pump();
}

}  // namespace weir::http
