// What both positions write after a head: bodies, trailers, the end.
#include <algorithm>

#include "codecs/h1/h1_codec.h"

namespace weir::h1 {

uint32_t H1Codec::Produce(uint64_t budget, weir_out* out) {
  // A tunnel's bytes before the backend has agreed to it would be requests to one that has not.
  const bool held = !server() && out_ == Out::kTunnel && in_ == In::kHead;
  const bool more = out_ != Out::kIdle && out_ != Out::kDone && user_ != nullptr && !held &&
                    ProduceBody(budget, out);
  if (close_) return WEIR_PRODUCED_CLOSE;
  if (out_ == Out::kDone && in_ == In::kTunnel) return WEIR_PRODUCED_CLOSE | WEIR_PRODUCED_HALF;
  return more ? WEIR_PRODUCED_MORE : 0;
}

// True: there is more than the budget allows.
bool H1Codec::ProduceBody(uint64_t budget, weir_out* out) {
  weir_body_info info{};
  codec_host_->body(user_, &info);
  if (info.available == 0 && info.end == 0 && info.trailers == 0) return false;
  Output output(codec_host_, out);
  bool more = false;
  switch (out_) {
    case Out::kLength:
      more = ProduceLength(budget, info, &output);
      break;
    case Out::kChunked:
      more = ProduceChunked(budget, info, &output);
      break;
    default:
      more = ProduceRaw(budget, info, &output);
      break;
  }
  if (output.failed()) EndConnection();
  return more;
}

// More than announced, or less, cannot be said in this framing: the connection ends before the last
// announced byte, so that nobody takes what came for the whole.
bool H1Codec::ProduceLength(uint64_t budget, const weir_body_info& info, Output* out) {
  const bool last = info.end != 0 || info.trailers != 0;
  if (info.available > out_left_) {
    EndConnection();
    return false;
  }
  const uint64_t size = std::min(info.available, budget);
  if (size != 0) {
    codec_host_->take_body(user_, out->raw(), size);
    out_left_ -= size;
  }
  if (size < info.available) return true;
  if (!last) return false;
  if (out_left_ != 0) {
    EndConnection();
  } else {
    FinishOut();
  }
  return false;
}

bool H1Codec::ProduceChunked(uint64_t budget, const weir_body_info& info, Output* out) {
  const uint64_t size = std::min(info.available, budget);
  const bool ends = size == info.available && (info.end != 0 || info.trailers != 0);
  if (size != 0) {
    char* at = out->Room(18);
    if (at == nullptr) return false;
    at = util::WriteHex(at, size);
    *at++ = '\r';
    *at++ = '\n';
    out->Wrote(at);
    codec_host_->take_body(user_, out->raw(), size);
    if (!ends) out->Put("\r\n");
  }
  if (!ends) return size < info.available;
  if (info.trailers != 0) {
    out->Put(size != 0 ? "\r\n0\r\n" : "0\r\n");
    const weir_head* const trailers = codec_host_->trailers(user_);
    if (trailers != nullptr) {
      WriteFields(trailers->fields, trailers->field_count, raw_form_, out);
    }
    out->Put("\r\n");
  } else {
    out->Put(size != 0 ? "\r\n0\r\n\r\n" : "0\r\n\r\n");
  }
  FinishOut();
  return false;
}

// Until close, and tunnels: bytes as they are.
bool H1Codec::ProduceRaw(uint64_t budget, const weir_body_info& info, Output* out) {
  const uint64_t size = std::min(info.available, budget);
  if (size != 0) codec_host_->take_body(user_, out->raw(), size);
  if (size < info.available) return true;
  if (info.end != 0 || info.trailers != 0) FinishOut();
  return false;
}

}  // namespace weir::h1
