#include <algorithm>
#include <cstring>

#include "core/http/codec_connection.h"
#include "core/net/upload_pacer.h"

namespace weir::http {

using base::Slab;
using base::SlabPool;
using base::Slice;

void CodecConnection::Pump() {
  if (gone_) return;
  if (lingering_) {
    uint64_t dropped = 0;
    while (io_->readable() && dropped < kReadPerTurn) {
      if (ReadDiscard(&dropped) != ReadResult::kBytes) return;
    }
    if (io_->readable()) context_->reactor->WantRead(this);
    return;
  }
  uint64_t budget = kReadPerTurn;
  int messages = kMessagesPerTurn;
  bool look_again = false;
  blocked_ = false;
  while (!finished_ && !closing_ && !Glutted()) {
    if (input_size_ > 0 || events_wait_ || (input_ended_ && !end_reported_)) Parse(&messages);
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
  output_seen_ = bytes_sent_ + out_.bytes();
  KeepInput();
  if (multiplexed()) {
    // What came may have been answered by the codec itself, or have given streams room to send.
    MarkDirty();
    // A backend's death behind its last bytes is not to be learned of from a timeout.
    if (!server_ && !streams_.empty()) io_->LookSoon();
    OnShown(input_size_ > 0 && !blocked_);
  }
  if (input_size_ > 0 && !blocked_) OnPartialInput();
}

// A client that asks and does not read what it is answered is not listened to until it has. Bodies
// alone never make so much wait. Towards a backend this would be wrong: its answer may be what lets
// it read on.
bool CodecConnection::Glutted() {
  if (!server_ || out_.bytes() < 2 * kOutLimit) return false;
  glutted_ = true;
  return true;
}

// In the middle of a message a short read is not the last word: a RST that came with the bytes is
// part of the same edge and announces itself in no other way.
bool CodecConnection::AwaitsRest() {
  if (multiplexed()) return false;
  return input_size_ > 0 || (!streams_.empty() && !streams_.front()->received_all_);
}

bool CodecConnection::ExpireHead() {
  if (!decided()) return false;
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
  const auto bytes = static_cast<uint64_t>(n);
  bytes_received_ += bytes;
  if (server_ && bytes >= net::UploadPacer::kLeastPiece) context_->reactor->CountUploaded(bytes);
  if (slab->used + static_cast<uint32_t>(n) > net::ReceiveBuffer::kHotBytes)
    context_->reactor->FlushSoon();
  // A read costs time whatever it yields: of TLS, up to 64 KiB of records with little in them.
  *budget -= std::min(*budget, std::max(kLeastCharge, bytes));
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
  size_t used = Ask("receive", SIZE_MAX, [&] {
    return api_->receive(codec_, input_size_ == 0 ? nothing : input_, input_size_, flags, event);
  });
  if (used > input_size_) {
    if (!codec_broke_) CodecBroke("receive took more than it was shown", {});
    *event = {};
    event->type = WEIR_EVENT_BLOCKED;
    used = 0;
  }
  // Before the dispatch: whoever asks then sees what is left behind this event. Its bytes stay
  // where they are.
  input_ += used;
  input_size_ -= static_cast<uint32_t>(used);
}

void CodecConnection::Parse(int* messages) {
  const bool end = input_ended_;
  if (!decided() && !DecideByInput()) {
    if (end && !gone_) {
      end_reported_ = true;
      OnInputEnd();
    }
    return;
  }
  while (!finished_ && !closing_) {
    if (Glutted()) {
      blocked_ = true;
      break;
    }
    weir_event event{};
    Receive(end ? uint32_t{WEIR_RECEIVE_EOF} : 0u, &event);
    if (event.type == WEIR_EVENT_NONE || event.type == WEIR_EVENT_BLOCKED) {
      events_wait_ = false;
      blocked_ = event.type == WEIR_EVENT_BLOCKED;
      break;
    }
    Dispatch(event);
    // A codec with more to say holds bytes back: with none left there is nothing to ask for.
    if (input_size_ == 0 && !end && !events_wait_) {
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

void CodecConnection::BindNew(CodecStream* stream, uint32_t id) {
  Bind(stream, id);
  Tell("adopt", [&] { api_->adopt(codec_, id, reinterpret_cast<weir_stream*>(stream)); });
}

void CodecConnection::DispatchHead(weir_event& event) {
  auto* stream = reinterpret_cast<CodecStream*>(event.user);
  if (stream == nullptr && server_) {
    stream = OnNewStream();
    if (stream == nullptr) {
      ResetInCodec(event.stream, WEIR_REASON_REFUSED);
      MarkDirty();
      return;
    }
    BindNew(stream, event.stream);
  }
  if (stream == nullptr) return;
  if (event.end_stream != 0) FinishReceived(stream);
  // What waited for the tunnel to open can go.
  if (!server_ && (event.head->flags & WEIR_HEAD_TUNNEL) != 0) MarkDirty();
  stream->OnHead(*event.head, event.end_stream != 0);
}

void CodecConnection::DispatchError(weir_event& event) {
  auto* stream = reinterpret_cast<CodecStream*>(event.user);
  if (stream == nullptr && server_ && event.error.status != 0) {
    stream = OnNewStream();
    if (stream != nullptr) {
      BindNew(stream, event.stream);
    } else if (event.error.scope == WEIR_SCOPE_STREAM) {
      ResetInCodec(event.stream, WEIR_REASON_REFUSED);
      MarkDirty();
    }
  }
  if (stream == nullptr && server_ && !finished_ && event.error.scope == WEIR_SCOPE_STREAM &&
      event.error.status == 0) {
    // A request that was refused without an answer: whoever counts and logs requests hears of it.
    // The codec has let go of it already.
    stream = OnNewStream();
    if (stream != nullptr) stream->OnReset(event.error);
    return;
  }
  if (stream != nullptr && stream->bound()) {
    // With a status the stream stays bound, so that the answer can be sent.
    if (!server_ || event.error.status == 0) stream->Unbind();
    stream->received_all_ = true;
    stream->OnReset(event.error);
  }
  if (event.error.scope == WEIR_SCOPE_CONNECTION) OnConnectionError(event.error);
}

}  // namespace weir::http
