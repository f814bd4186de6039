#include "core/http/codec_connection.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace weir::http {

using base::Slab;
using base::SlabPool;
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

// ---- Receiving --------------------------------------------------------------------------------

void CodecConnection::Pump() {
  if (gone_) return;
  if (lingering_) {
    while (io_->readable()) {
      if (ReadDiscard() != ReadResult::kBytes) return;
    }
    return;
  }
  uint64_t budget = kReadPerTurn;
  int messages = kMessagesPerTurn;
  bool look_again = false;
  blocked_ = false;
  while (!finished_ && !closing_) {
    if (input_size_ > 0 || (input_ended_ && !end_reported_)) Parse(&messages);
    if (finished_ || closing_ || blocked_ || input_ended_) break;
    if (!io_->readable() && !failed_ && !(look_again && AwaitsRest())) break;
    if (budget == 0 || messages <= 0) {
      context_->reactor->WantRead(this);
      break;
    }
    const ReadResult result = ReadOnce(&budget);
    if (result == ReadResult::kNothing) break;
    if (result == ReadResult::kFailed) {
      Gone(WEIR_REASON_REMOTE_RESET);
      return;
    }
    look_again = result == ReadResult::kBytes;
  }
  if (gone_) return;
  KeepInput();
  // What came may have been answered by the codec itself, or have given streams room to send.
  if (multiplexed()) MarkDirty();
  if (input_size_ > 0 && !blocked_) OnPartialInput();
}

// In the middle of a message a short read is not the last word: a RST that came with the bytes is
// part of the same edge and announces itself in no other way.
bool CodecConnection::AwaitsRest() {
  if (multiplexed()) return false;
  return input_size_ > 0 || (!streams_.empty() && !streams_.front()->received_all_);
}

bool CodecConnection::ExpireHead() {
  weir_event event{};
  Receive(WEIR_RECEIVE_EXPIRED, &event);
  if (event.type != WEIR_EVENT_ERROR) return false;
  DispatchError(event);
  return true;
}

CodecConnection::ReadResult CodecConnection::ReadOnce(uint64_t* budget) {
  uint8_t* room;
  uint32_t size;
  Slab* slab;
  if (input_size_ == 0) {
    slab = context_->receive->Prepare();
    room = slab->data() + slab->used;
    size = slab->room();
  } else {
    // The rest of an unfinished piece and what follows it must be contiguous.
    const auto in_use = static_cast<uint32_t>(input_ + input_size_ - input_slab_->data());
    if (input_slab_->refs > 1 || input_slab_->size - in_use < input_size_) {
      Slab* roomier = context_->pool->Take(std::min(std::max(1024u, input_size_ * 3), 262144u));
      std::memcpy(roomier->data(), input_, input_size_);
      const uint32_t kept = input_size_;
      ReleaseInput();
      input_slab_ = roomier;
      input_ = roomier->data();
      input_size_ = kept;
    }
    slab = input_slab_;
    room = input_ + input_size_;
    size = static_cast<uint32_t>(slab->end() - room);
    if (size == 0) return ReadResult::kNothing;  // the codec's own limits end this long before
  }
  const ssize_t n = io_->Read(room, size);
  if (n == net::kAgain) return ReadResult::kNothing;
  if (n == net::kFailed) return ReadResult::kFailed;
  if (n == 0) {
    input_ended_ = true;
    return ReadResult::kEnd;
  }
  bytes_received_ += static_cast<uint64_t>(n);
  *budget -= std::min<uint64_t>(*budget, static_cast<uint64_t>(n));
  if (input_size_ == 0) {
    slab->used += static_cast<uint32_t>(n);
    SlabPool::Retain(slab);
    input_slab_ = slab;
    input_ = room;
  }
  input_size_ += static_cast<uint32_t>(n);
  return ReadResult::kBytes;
}

void CodecConnection::Receive(uint32_t flags, weir_event* event) {
  // What is shown has readable bytes behind it, also when nothing is shown.
  static uint8_t nothing[Slab::kPadding];
  const size_t used =
      api_->receive(codec_, input_size_ == 0 ? nothing : input_, input_size_, flags, event);
  assert(used <= input_size_);
  // Before the dispatch: whoever asks then sees what is left behind this event. Its bytes stay
  // where they are.
  input_ += std::min<size_t>(used, input_size_);
  input_size_ -= static_cast<uint32_t>(std::min<size_t>(used, input_size_));
}

void CodecConnection::Parse(int* messages) {
  const bool end = input_ended_;
  while (!finished_ && !closing_) {
    weir_event event{};
    Receive(end ? uint32_t{WEIR_RECEIVE_EOF} : 0u, &event);
    if (event.type == WEIR_EVENT_NONE || event.type == WEIR_EVENT_BLOCKED) {
      blocked_ = event.type == WEIR_EVENT_BLOCKED;
      break;
    }
    Dispatch(event);
    // A codec with more to say holds bytes back: with none left there is nothing to ask for.
    if (input_size_ == 0 && !end) {
      blocked_ = false;
      break;
    }
    if (event.type == WEIR_EVENT_HEAD && --*messages <= 0) {
      if (!finished_) context_->reactor->WantRead(this);
      blocked_ = true;  // for this turn
      break;
    }
  }
  if (input_size_ == 0 || finished_) ReleaseInput();
  if (end && !blocked_ && !finished_ && !end_reported_) {
    end_reported_ = true;
    OnInputEnd();
  }
}

// Between turns a small rest must not pin the worker's receive slab, nor half a head a slab of 256
// KiB.
void CodecConnection::KeepInput() {
  if (input_size_ == 0) {
    ReleaseInput();
    return;
  }
  if (input_size_ >= input_slab_->size / 8 || input_slab_->size == SlabPool::kSizes[0]) return;
  const uint32_t size = input_size_;
  Slab* fitting = context_->pool->Take(size + size / 2 > 262144 ? size : size + size / 2);
  std::memcpy(fitting->data(), input_, size);
  ReleaseInput();
  input_slab_ = fitting;
  input_ = fitting->data();
  input_size_ = size;
}

void CodecConnection::ReleaseInput() {
  if (input_slab_ != nullptr) SlabPool::Release(input_slab_);
  input_slab_ = nullptr;
  input_ = nullptr;
  input_size_ = 0;
}

void CodecConnection::Dispatch(weir_event& event) {
  auto* stream = reinterpret_cast<CodecStream*>(event.user);
  switch (event.type) {
    case WEIR_EVENT_HEAD:
      DispatchHead(event);
      return;
    case WEIR_EVENT_DATA:
      if (stream == nullptr) return;
      if (event.end_stream != 0) FinishReceived(stream);
      stream->OnData(Slice::Of(input_slab_, event.data, event.size), event.end_stream != 0);
      return;
    case WEIR_EVENT_TRAILERS:
      if (stream == nullptr) return;
      FinishReceived(stream);
      stream->OnTrailers(*event.head);
      return;
    case WEIR_EVENT_END:
      if (stream == nullptr) return;
      FinishReceived(stream);
      stream->OnEnd();
      return;
    case WEIR_EVENT_STOP_SENDING:
      if (stream != nullptr) stream->OnStopSending();
      return;
    case WEIR_EVENT_RESET:
      if (stream == nullptr) return;
      stream->Unbind();
      stream->OnReset(event.error);
      return;
    case WEIR_EVENT_GOAWAY:
      OnGoaway(event.last_stream);
      return;
    default:
      DispatchError(event);
  }
}

// A client's stream is over for the codec once both halves are complete.
void CodecConnection::FinishReceived(CodecStream* stream) {
  stream->received_all_ = true;
  if (!server_ && stream->sent_all_) stream->Unbind();
}

void CodecConnection::DispatchHead(weir_event& event) {
  auto* stream = reinterpret_cast<CodecStream*>(event.user);
  if (stream == nullptr && server_) {
    stream = OnNewStream();
    if (stream == nullptr) {
      api_->reset(codec_, event.stream, WEIR_REASON_REFUSED, &out_);
      MarkDirty();
      return;
    }
    Bind(stream, event.stream);
    api_->adopt(codec_, event.stream, reinterpret_cast<weir_stream*>(stream));
  }
  if (stream == nullptr) return;
  if (event.end_stream != 0) FinishReceived(stream);
  stream->OnHead(*event.head, event.end_stream != 0);
}

void CodecConnection::DispatchError(weir_event& event) {
  auto* stream = reinterpret_cast<CodecStream*>(event.user);
  if (stream == nullptr && server_ && event.error.status != 0) {
    stream = OnNewStream();
    if (stream != nullptr) {
      Bind(stream, event.stream);
      api_->adopt(codec_, event.stream, reinterpret_cast<weir_stream*>(stream));
    } else if (event.error.scope == WEIR_SCOPE_STREAM) {
      api_->reset(codec_, event.stream, WEIR_REASON_REFUSED, &out_);
      MarkDirty();
    }
  }
  if (stream != nullptr && stream->bound()) {
    // With a status the stream stays bound, so that the answer can be sent.
    if (!server_ || event.error.status == 0) stream->Unbind();
    stream->received_all_ = true;
    stream->OnReset(event.error);
  }
  if (event.error.scope == WEIR_SCOPE_CONNECTION) OnConnectionError(event.error);
}

void CodecConnection::OnConnectionError(const weir_error& error) {
  if (server_ && !streams_.empty()) return;  // the answer goes first; the codec says close after it
  FailStreams(error.reason);
  Finish(true, error.reason);
}

// ---- Sending ----------------------------------------------------------------------------------

void CodecConnection::OnFlush() {
  if (gone_ || !connected_) return;
  for (int round = 0; round < 4; ++round) {
    const bool more = Produce();
    if (gone_) return;
    if (!out_.empty() && io_->writable()) {
      const ssize_t n = out_.WriteTo(io_.get());
      if (n == net::kFailed) {
        failed_ = true;
        context_->reactor->Defer(this);
        return;
      }
      bytes_sent_ += static_cast<uint64_t>(n);
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
    Linger();
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
  if (finished_) return false;
  if (out_.bytes() >= kOutLimit) return true;
  const uint32_t produced = api_->produce(codec_, kOutLimit - out_.bytes(), &out_);
  if ((produced & WEIR_PRODUCED_CLOSE) != 0) {
    if ((produced & WEIR_PRODUCED_HALF) != 0 || TunnelDrains()) {
      half_closed_ = true;
    } else {
      StartClosing();
    }
  }
  if (!sent_.empty()) ReportSent();
  return (produced & WEIR_PRODUCED_MORE) != 0;
}

// Both halves of a server's tunnel are over, but what came may still be on its way to a backend.
bool CodecConnection::TunnelDrains() {
  if (!server_ || streams_.empty()) return false;
  const CodecStream* stream = streams_.front();
  return stream->tunnel_ && stream->sent_all_ && stream->received_all_;
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

void CodecConnection::OnDeferred() {
  if (!failed_ || gone_) return;
  // A backend that refuses the rest of a request answers and closes: the answer may be there
  // although nothing can be written.
  if (!server_) Pump();
  Gone(WEIR_REASON_REMOTE_RESET);
}

// ---- The end ----------------------------------------------------------------------------------

void CodecConnection::FailStreams(uint32_t reason) {
  while (CodecStream* stream = streams_.front()) {
    const uint32_t id = stream->id_;
    stream->Unbind();
    // As long as the codec is asked for output it must not ask for this stream's.
    if (!finished_) api_->reset(codec_, id, reason, &out_);
    weir_error error{};
    error.reason = static_cast<uint16_t>(reason);
    error.scope = WEIR_SCOPE_CONNECTION;
    stream->OnReset(error);
  }
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
  context_->reactor->SetDeadline(this, context_->reactor->now_ms() + flush_ms_);
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
  // way.
  context_->reactor->SetDeadline(this, context_->reactor->now_ms() + linger_ms_);
  if (io_->readable()) context_->reactor->WantRead(this);
}

bool CodecConnection::HandleEndDeadline() {
  if (!closing_ && !lingering_) return false;
  Gone(finish_reason_);
  return true;
}

CodecConnection::ReadResult CodecConnection::ReadDiscard() {
  Slab* slab = context_->receive->Prepare();
  const ssize_t n = io_->Read(slab->data() + slab->used, slab->room());
  if (n == net::kAgain) return ReadResult::kNothing;
  if (n <= 0 || static_cast<uint64_t>(n) > linger_left_) {
    Gone(finish_reason_);
    return ReadResult::kEnd;
  }
  linger_left_ -= static_cast<uint32_t>(n);
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

// ---- CodecStream ------------------------------------------------------------------------------

CodecStream::~CodecStream() {
  // The codec must not keep a stream that is no more.
  if (bound()) Reset(WEIR_REASON_CANCEL);
}

void CodecStream::Unbind() {
  stream_link_.Unlink();
  sent_link_.Unlink();
  connection_ = nullptr;
}

int32_t CodecStream::SendHead(const weir_head& head, bool end_stream) {
  if (!bound()) return WEIR_REFUSED;
  const int32_t status = connection_->api_->send_head(connection_->codec_, id_, &head,
                                                      end_stream ? 1 : 0, &connection_->out_);
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
  body_.Push(std::move(slice));
  connection_->Wake(this);
}

void CodecStream::SendQueue(SliceQueue* queue) {
  if (!bound()) return;
  if (end_queued_) return queue->Clear();
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
  connection->api_->reset(connection->codec_, id, reason, &connection->out_);
  connection->MarkDirty();
}

void CodecStream::Credit(uint64_t bytes) {
  if (!bound() || bytes == 0 || received_all_) return;
  for (; bytes > UINT32_MAX; bytes -= UINT32_MAX)
    connection_->api_->consumed(connection_->codec_, id_, UINT32_MAX);
  connection_->api_->consumed(connection_->codec_, id_, static_cast<uint32_t>(bytes));
  if (connection_->blocked_) connection_->context_->reactor->WantRead(connection_);
  if (connection_->multiplexed()) connection_->MarkDirty();
}

void CodecConnection::Wake(CodecStream* stream) {
  api_->ready(codec_, stream->id_);
  MarkDirty();
}

}  // namespace weir::http
