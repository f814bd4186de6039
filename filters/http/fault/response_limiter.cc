#include "filters/http/fault/response_limiter.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace weir::filters {

using sdk::Status;

void ResponseLimiter::Start(const sdk::Host& host, std::uint64_t kbps, std::function<void()> tick) {
  host_ = host;
  timer_ = sdk::Timer(host, std::move(tick));
  if (timer_.valid()) slice_ = std::max<std::uint64_t>(1, kbps * 1024 * kTickMs / 1000);
}

// The body will leave in pieces of ours: that its length stays what it is must be said before the
// head goes on.
Status ResponseLimiter::OnHeaders(const sdk::HttpStream& stream, bool end_stream) {
  const auto text = stream.response().FindToken(WEIR_TOKEN_CONTENT_LENGTH);
  if (end_stream || !text) return Status::kContinue;
  std::uint64_t length = 0;
  std::from_chars(text->data(), text->data() + text->size(), length);
  return stream.response_body().SetLength(length) ? Status::kContinue : Status::kFail;
}

Status ResponseLimiter::OnData(const sdk::HttpStream& stream, bool end_stream) {
  ended_ = ended_ || end_stream;
  if (stream.response_body().size() == 0) return Status::kContinue;
  Arm();
  return Status::kStopWatermark;
}

Status ResponseLimiter::OnTrailers(const sdk::HttpStream& stream) {
  ended_ = true;
  return stream.response_body().size() == 0 ? Status::kContinue : Status::kStop;
}

void ResponseLimiter::Arm() {
  if (armed_) return;
  armed_ = true;
  const std::uint64_t since = host_.NowMs() - last_ms_;
  timer_.Set(last_ms_ == 0 || since >= kTickMs ? 0 : kTickMs - since);
}

void ResponseLimiter::OnTick(const sdk::HttpStream& stream) {
  armed_ = false;
  last_ms_ = host_.NowMs();
  const sdk::Body body = stream.response_body();
  for (std::uint64_t left = slice_; left > 0;) {
    const std::string_view piece = body.Piece(0).substr(0, left);
    const std::uint64_t size = piece.size();
    // No room: the client is slower than the rate.
    if (size == 0 || !body.Inject(piece) || !body.Drain(size)) break;
    left -= size;
  }
  if (body.size() > 0) return Arm();
  if (ended_) stream.Resume(WEIR_RESPONSE);
}

}  // namespace weir::filters
