#include "core/http/codec_stream.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "core/http/codec_connection.h"

namespace weir::http {

using base::Slice;

// What codecs may call. A weir_stream handed to a codec is a CodecStream, a weir_out is an
// OutQueue; nobody else makes either.
struct CodecHost {
  static CodecStream* Stream(weir_stream* stream) { return reinterpret_cast<CodecStream*>(stream); }

  static void* Alloc(size_t size) { return std::malloc(size); }
  static void Free(void* memory, size_t) { std::free(memory); }
  static void OutRoom(weir_out* out, size_t size) { OutQueue::From(out)->Room(size); }

  static void Body(weir_stream* handle, weir_body_info* info) {
    CodecStream* stream = Stream(handle);
    *info = weir_body_info{};
    if (!stream->bound()) return;
    info->available = stream->body_.bytes();
    info->end = stream->end_queued_ && stream->trailers_ == nullptr;
    info->trailers = stream->end_queued_ && stream->trailers_ != nullptr;
    if (info->end && info->available == 0) MarkSent(stream);
  }

  static void TakeBody(weir_stream* handle, weir_out* out, uint64_t size) {
    CodecStream* stream = Stream(handle);
    size = std::min(size, stream->body_.bytes());
    if (!stream->bound()) return;
    OutQueue::From(out)->Take(&stream->body_, size);
    stream->connection_->body_queued_ -= size;
    stream->OnBodyTaken(size);
    if (stream->body_.empty() && stream->end_queued_ && stream->trailers_ == nullptr)
      MarkSent(stream);
  }

  static const weir_head* Trailers(weir_stream* handle) {
    CodecStream* stream = Stream(handle);
    if (!stream->bound() || !stream->end_queued_ || !stream->body_.empty() ||
        stream->trailers_ == nullptr)
      return nullptr;
    MarkSent(stream);
    return stream->trailers_;
  }

  static void MarkSent(CodecStream* stream) {
    if (stream->sent_all_) return;
    stream->sent_all_ = true;
    stream->connection_->sent_.PushBack(stream);
  }
};

const weir_codec_host* CodecHostTable() {
  static const weir_codec_host table = {
      sizeof(weir_codec_host), 0,
      CodecHost::Alloc,        CodecHost::Free,
      CodecHost::OutRoom,      CodecHost::Body,
      CodecHost::TakeBody,     CodecHost::Trailers,
  };
  return &table;
}

CodecStream::~CodecStream() {
  // The codec must not keep a stream that is no more.
  if (bound()) Reset(WEIR_REASON_CANCEL);
}

void CodecStream::Unbind() {
  if (connection_ != nullptr && connection_->multiplexed())
    connection_->context()->reactor->SharedStreamEnds();
  stream_link_.Unlink();
  sent_link_.Unlink();
  if (connection_ != nullptr) connection_->body_queued_ -= body_.bytes();
  connection_ = nullptr;
}

int32_t CodecStream::SendHead(const weir_head& head, bool end_stream) {
  if (!bound()) return WEIR_REFUSED;
  const int32_t status = connection_->Ask("send_head", int32_t{WEIR_ERROR}, [&] {
    return connection_->api_->send_head(connection_->codec_, id_, &head, end_stream ? 1 : 0,
                                        &connection_->out_);
  });
  connection_->MarkDirty();
  // What came before the tunnel was open waits until now.
  if (connection_->blocked_ && (head.flags & WEIR_HEAD_TUNNEL) != 0)
    connection_->context_->reactor->WantRead(connection_);
  if (status == WEIR_OK) tunnel_ = (head.flags & WEIR_HEAD_TUNNEL) != 0;
  if (status == WEIR_OK && end_stream) {
    end_queued_ = true;
    CodecHost::MarkSent(this);
  }
  return status;
}

void CodecStream::SendData(Slice slice) {
  if (!bound() || end_queued_) return;
  connection_->body_queued_ += slice.size();
  body_.Push(std::move(slice));
  connection_->Wake(this);
}

void CodecStream::SendQueue(SliceQueue* queue) {
  if (!bound()) return;
  if (end_queued_) return queue->Clear();
  connection_->body_queued_ += queue->bytes();
  queue->MoveTo(&body_);
  connection_->Wake(this);
}

void CodecStream::SendEnd(const weir_head* trailers) {
  if (!bound() || end_queued_) return;
  end_queued_ = true;
  trailers_ = trailers;
  connection_->Wake(this);
}

void CodecStream::Reset(uint32_t reason) {
  if (!bound()) return;
  CodecConnection* connection = connection_;
  const uint32_t id = id_;
  Unbind();
  body_.Clear();
  connection->ResetInCodec(id, reason);
  connection->MarkDirty();
}

void CodecStream::Credit(uint64_t bytes) {
  if (!bound() || bytes == 0 || received_all_) return;
  const auto consumed = [this](uint32_t size) {
    connection_->Tell("consumed",
                      [&] { connection_->api_->consumed(connection_->codec_, id_, size); });
  };
  for (; bytes > UINT32_MAX; bytes -= UINT32_MAX) consumed(UINT32_MAX);
  consumed(static_cast<uint32_t>(bytes));
  if (connection_->blocked_) connection_->context_->reactor->WantRead(connection_);
  if (connection_->multiplexed()) connection_->MarkDirty();
}

}  // namespace weir::http
