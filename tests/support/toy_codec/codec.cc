#include "tests/support/toy_codec/codec.h"

#include <algorithm>
#include <memory>
#include <new>

namespace weir::toy {

// ---- Life and streams

Codec::Codec(const weir_codec_params& params) : params_(params), host_(*params.codec_host) {
  if (params.config != nullptr) config_ = *static_cast<const ToyConfig*>(params.config);
  next_wire_ = config_.first_stream;
}

Codec* Codec::Create(const weir_codec_params& params) {
  void* memory = params.codec_host->alloc(sizeof(Codec));
  if (memory == nullptr) return nullptr;
  auto* codec = new (memory) Codec(params);
  const weir_codec_host& host = *params.codec_host;
  const std::size_t places = params.max_streams;
  codec->streams_ = static_cast<Stream*>(host.alloc(places * sizeof(Stream)));
  codec->ready_ = static_cast<std::uint32_t*>(host.alloc(places * sizeof(std::uint32_t)));
  codec->fields_ =
      static_cast<weir_field*>(host.alloc(params.max_field_count * sizeof(weir_field)));
  if (codec->streams_ == nullptr || codec->ready_ == nullptr || codec->fields_ == nullptr) {
    Destroy(codec);
    return nullptr;
  }
  std::uninitialized_default_construct_n(codec->streams_, places);
  Writer writer(codec->control_);
  writer.Head(kHello, 0, 12, 0);
  writer.Bytes("TOY1", 4);
  writer.Number(params.stream_window, 4);
  writer.Number(params.max_streams, 4);
  codec->control_size_ = static_cast<std::size_t>(writer.at() - codec->control_);
  return codec;
}

void Codec::Destroy(Codec* codec) {
  const weir_codec_params params = codec->params_;
  const weir_codec_host& host = *params.codec_host;
  const std::size_t places = params.max_streams;
  if (codec->streams_ != nullptr) host.free(codec->streams_, places * sizeof(Stream));
  if (codec->ready_ != nullptr) host.free(codec->ready_, places * sizeof(std::uint32_t));
  if (codec->fields_ != nullptr) {
    host.free(codec->fields_, params.max_field_count * sizeof(weir_field));
  }
  codec->~Codec();
  host.free(codec, sizeof(Codec));
}

Stream* Codec::Find(std::uint32_t number) {
  for (std::uint32_t i = 0; number != 0 && i < params_.max_streams; ++i) {
    if (streams_[i].number == number) return &streams_[i];
  }
  return nullptr;
}

Stream* Codec::FindWire(std::uint32_t wire) {
  for (std::uint32_t i = 0; wire != 0 && i < params_.max_streams; ++i) {
    if (streams_[i].number != 0 && streams_[i].wire == wire) return &streams_[i];
  }
  return nullptr;
}

Stream* Codec::Place() {
  for (std::uint32_t i = 0; i < params_.max_streams; ++i) {
    if (streams_[i].number != 0) continue;
    ++active_;
    return &streams_[i];
  }
  return nullptr;
}

void Codec::Forget(Stream* stream) {
  if (stream->listed) {
    const auto place = static_cast<std::uint32_t>(stream - streams_);
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i < ready_count_; ++i) {
      const std::uint32_t entry = ready_[(ready_first_ + i) % params_.max_streams];
      if (entry != place) ready_[(ready_first_ + kept++) % params_.max_streams] = entry;
    }
    ready_count_ = kept;
  }
  if (stream->credit_due > 0) --credit_due_count_;
  --active_;
  *stream = Stream{};
}

void Codec::Enlist(Stream* stream) {
  stream->starved = false;
  if (stream->listed || stream->send_closed) return;
  stream->listed = true;
  ready_[(ready_first_ + ready_count_++) % params_.max_streams] =
      static_cast<std::uint32_t>(stream - streams_);
}

// The server's answer is complete: what is left of the request is of no use to anybody.
void Codec::CloseSend(Stream* stream) {
  stream->send_closed = true;
  if (stream->receive_closed) {
    Forget(stream);
  } else if (server()) {
    // With no room for the word the peer goes on until its own end; what it sends is dropped.
    QueueControl(kReset, stream->wire, WEIR_REASON_NO_ERROR, 2);
    Forget(stream);
  }
}

void Codec::CloseReceive(Stream* stream) {
  stream->receive_closed = true;
  if (stream->credit_due > 0) --credit_due_count_;
  stream->credit_due = 0;
  if (stream->send_closed) Forget(stream);
}

// ---- The host's calls

void Codec::Adopt(std::uint32_t number, weir_stream* user) {
  if (Stream* stream = Find(number)) stream->user = user;
}

std::uint32_t Codec::Open(weir_stream* user) {
  if (server() || Capacity() == 0) return 0;
  Stream* stream = Place();
  if (stream == nullptr) return 0;
  stream->number = next_number_++;
  stream->user = user;
  stream->send_credit = peer_credit_;
  stream->receive_credit = FirstReceiveCredit();
  return stream->number;
}

std::int32_t Codec::SendHead(std::uint32_t number, const weir_head& head, bool end, weir_out* out) {
  Stream* stream = Find(number);
  if (stream == nullptr || stream->send_closed || broken_) return WEIR_REFUSED;
  if (HeadSize(head) > kMaxPayload) return WEIR_NO_ROOM;
  if (stream->wire == 0) {
    if (next_wire_ == 0 || peer_goaway_) return WEIR_REFUSED;
    // Given out here and not in Open: numbers must rise on the wire in the order of the heads.
    stream->wire = next_wire_;
    next_wire_ = next_wire_ + 1 == kEveryStream ? 0 : next_wire_ + 1;
  }
  WriteControl(out);
  if (head.kind != WEIR_HEAD_INTERIM) {
    stream->sent_head = true;
    if (!end) Enlist(stream);
  }
  WriteHeadFrame(stream, head, end, out);
  return WEIR_OK;
}

void Codec::WriteHeadFrame(Stream* stream, const weir_head& head, bool end, weir_out* out) {
  const std::size_t size = HeadSize(head);
  // out_room makes at most 64 KiB: the frame's head and its payload are two pieces of one call.
  host_.out_room(out, kFrameHeadSize);
  Writer start(out->at);
  start.Head(kHead, end ? kEnd : 0, size, stream->wire);
  out->at = start.at();
  host_.out_room(out, size);
  Writer writer(out->at);
  WriteHead(head, &writer);
  out->at = writer.at();
  if (end) CloseSend(stream);
}

void Codec::Ready(std::uint32_t number) {
  if (Stream* stream = Find(number)) Enlist(stream);
}

void Codec::Consumed(std::uint32_t number, std::uint32_t size) {
  Stream* stream = Find(number);
  if (stream == nullptr || stream->receive_closed || size == 0) return;
  if (stream->credit_due == 0) ++credit_due_count_;
  stream->credit_due += size;
}

void Codec::Reset(std::uint32_t number, std::uint32_t reason, weir_out* out) {
  Stream* stream = Find(number);
  if (stream == nullptr) return;
  WriteControl(out);
  if (stream->wire != 0) WriteFrame(out, kReset, 0, stream->wire, reason, 2);
  Forget(stream);
}

void Codec::Goaway(std::uint32_t phase, weir_out* out) {
  if (goaway_) return;
  goaway_ = phase >= 2;
  WriteControl(out);
  WriteFrame(out, kGoaway, 0, 0, goaway_ ? highest_wire_ : kEveryStream, 4);
}

std::uint32_t Codec::Capacity() const {
  if (broken_ || goaway_ || eof_) return 0;
  if (server()) return params_.max_streams - active_;
  if (peer_goaway_ || next_wire_ == 0) return 0;
  const std::uint32_t limit = std::min(params_.max_streams, peer_streams_);
  return active_ < limit ? limit - active_ : 0;
}

bool Codec::Reusable() const {
  return !broken_ && !goaway_ && !peer_goaway_ && !eof_ && next_wire_ != 0;
}

// ---- Sending

bool Codec::QueueControl(std::uint8_t type, std::uint32_t stream, std::uint64_t number, int bytes) {
  const std::size_t size = kFrameHeadSize + static_cast<std::size_t>(bytes);
  if (control_size_ + size > kControlSize) return false;
  Writer writer(control_ + control_size_);
  writer.Head(type, 0, static_cast<std::size_t>(bytes), stream);
  writer.Number(number, bytes);
  control_size_ += size;
  return true;
}

void Codec::WriteControl(weir_out* out) {
  if (control_size_ == 0) return;
  host_.out_room(out, control_size_);
  std::memcpy(out->at, control_, control_size_);
  out->at += control_size_;
  control_size_ = 0;
}

void Codec::WriteFrame(weir_out* out, std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                       std::uint64_t number, int bytes) {
  host_.out_room(out, kFrameHeadSize + static_cast<std::size_t>(bytes));
  Writer writer(out->at);
  writer.Head(type, flags, static_cast<std::size_t>(bytes), stream);
  writer.Number(number, bytes);
  out->at = writer.at();
}

// Told in halves of the window, for a frame per read would be wasteful.
void Codec::WriteCredit(weir_out* out) {
  for (std::uint32_t i = 0; credit_due_count_ > 0 && i < params_.max_streams; ++i) {
    Stream& stream = streams_[i];
    const std::uint32_t half = std::max(1u, params_.stream_window / 2);
    if (stream.number == 0 || stream.credit_due < half) continue;
    WriteFrame(out, kCredit, 0, stream.wire, stream.credit_due, 4);
    stream.receive_credit += stream.credit_due;
    stream.credit_due = 0;
    --credit_due_count_;
  }
}

bool Codec::SendBody(Stream* stream, std::uint64_t* budget, weir_out* out) {
  weir_body_info info{};
  host_.body(stream->user, &info);
  const bool last = info.end != 0 || info.trailers != 0;
  if (info.available == 0 && !last) return false;
  std::uint64_t size = std::min<std::uint64_t>({info.available, config_.max_frame, *budget});
  if (info.available > 0) {
    if (stream->send_credit <= 0) {
      stream->starved = true;
      return false;
    }
    size = std::min(size, static_cast<std::uint64_t>(stream->send_credit));
  }
  const bool all = size == info.available;
  const bool end = all && info.end != 0;
  if (size > 0 || end) {
    host_.out_room(out, kFrameHeadSize);
    Writer writer(out->at);
    writer.Head(kData, end ? kEnd : 0, size, stream->wire);
    out->at = writer.at();
    if (size > 0) host_.take_body(stream->user, out, size);
    stream->send_credit -= static_cast<std::int64_t>(size);
    *budget -= size;
  }
  if (end) {
    CloseSend(stream);
    return false;
  }
  if (!all || info.trailers == 0) return true;
  const weir_head* trailers = host_.trailers(stream->user);
  if (trailers != nullptr && HeadSize(*trailers) <= kMaxPayload) {
    WriteHeadFrame(stream, *trailers, /*end=*/true, out);
  } else {
    WriteFrame(out, kData, kEnd, stream->wire, 0, 0);
    CloseSend(stream);
  }
  return false;
}

std::uint32_t Codec::Produce(std::uint64_t budget, weir_out* out) {
  WriteControl(out);
  if (broken_) return WEIR_PRODUCED_CLOSE;
  WriteCredit(out);
  while (ready_count_ > 0 && budget > 0) {
    Stream* stream = &streams_[ready_[ready_first_]];
    ready_first_ = (ready_first_ + 1) % params_.max_streams;
    --ready_count_;
    stream->listed = false;
    if (!stream->sent_head || stream->user == nullptr) continue;
    // One frame, then the next stream's turn.
    if (SendBody(stream, &budget, out)) Enlist(stream);
  }
  WriteControl(out);  // what the ends of streams have queued
  if (ready_count_ > 0) return WEIR_PRODUCED_MORE;
  return goaway_ && active_ == 0 ? WEIR_PRODUCED_CLOSE : 0;
}

}  // namespace weir::toy
