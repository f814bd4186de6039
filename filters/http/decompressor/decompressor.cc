#include "filters/http/decompressor/decompressor.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "plugins/util/list.h"

namespace weir::filters {
namespace {

using sdk::Status;

constexpr std::string_view kContentEncoding = "content-encoding";
constexpr std::string_view kAcceptEncoding = "accept-encoding";
constexpr std::string_view kDigests[] = {"content-digest", "repr-digest", "digest", "content-md5"};
// As long as less has come out, no ratio is held against it: small bodies of one letter are not
// attacks.
constexpr std::uint64_t kHarmless = 1u << 20;
// How long it waits for those ahead to make room.
constexpr std::uint64_t kRetryMs = 2;
// Steps in one run of the timer, so that others have their turn.
constexpr int kStepsPerRun = 4;

bool Names(std::string_view entry, Coding coding) {
  return util::EqualsLower(entry, CodingName(coding)) ||
         (coding == Coding::kGzip && util::EqualsLower(entry, "x-gzip"));
}

std::optional<std::uint64_t> ReadLength(std::string_view text) {
  std::uint64_t length = 0;
  if (text.empty() || text.size() > 19) return std::nullopt;
  for (const char c : text) {
    if (!util::IsDigit(c)) return std::nullopt;
    length = length * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return length;
}

// The entries but the last one, which goes to *last.
std::string WithoutLast(std::string_view list, std::string* last) {
  std::string rest;
  last->clear();
  util::ForEachEntry(list, [&](std::string_view entry) {
    if (!last->empty()) rest += (rest.empty() ? "" : ", ") + *last;
    last->assign(entry);
  });
  return rest;
}

bool IsWhole(std::uint32_t status) {
  return status >= 200 && status != 204 && status != 205 && status != 206 && status != 304;
}

}  // namespace

sdk::Fields Decompressor::Fields(std::uint32_t which) const {
  return which == WEIR_REQUEST ? request() : response();
}

sdk::Body Decompressor::Body(std::uint32_t which) const {
  return which == WEIR_REQUEST ? stream().request_body() : stream().response_body();
}

bool Decompressor::MayTransform(std::uint32_t which) const {
  if (direction(which).ignore_no_transform) return true;
  const auto control = Fields(which).Joined("cache-control");
  return !control || !util::ListHas(*control, "no-transform");
}

void Decompressor::Begin(std::uint32_t which) {
  const sdk::Fields fields = Fields(which);
  if (!fields.FindToken(WEIR_TOKEN_CONTENT_ENCODING)) return;
  std::string last;
  const std::string rest = WithoutLast(fields.Joined(kContentEncoding).value_or(""), &last);
  const auto& known = config().decoders;
  const auto found = std::find_if(known.begin(), known.end(), [&last](const DecoderOptions& one) {
    return Names(last, one.coding);
  });
  if (found == known.end() || !MayTransform(which)) return;
  Half& half = halves_[which];
  half.decoder = MakeDecoder(found->coding, found->window_bits);
  if (half.decoder == nullptr) return;
  half.options = &*found;
  if (rest.empty()) {
    fields.Remove(kContentEncoding);
  } else {
    fields.Set(kContentEncoding, rest);
  }
  for (const std::string_view name : kDigests) fields.Remove(name);
  if (which == WEIR_REQUEST) return;
  fields.Remove("accept-ranges");
  // Another form of the same: what the strong validator stood for is not what goes on.
  const auto etag = fields.FindToken(WEIR_TOKEN_ETAG);
  if (etag && etag->substr(0, 2) != "W/") fields.Set("etag", "W/" + std::string(*etag));
}

// The backend may use a coding that the client does not know, for it is taken away here. Not for a
// range: that would be one of the coded form, which cannot be decoded by itself.
void Decompressor::Advertise() const {
  if (request().FindToken(WEIR_TOKEN_RANGE)) return;
  std::string list;
  util::ForEachEntry(request().Joined(kAcceptEncoding).value_or(""), [&](std::string_view entry) {
    const std::string_view name = util::TrimOws(entry.substr(0, entry.find(';')));
    for (const DecoderOptions& one : config().decoders) {
      if (Names(name, one.coding)) return;
    }
    list.append(list.empty() ? "" : ", ").append(entry);
  });
  for (const DecoderOptions& one : config().decoders) {
    list.append(list.empty() ? "" : ", ").append(CodingName(one.coding));
  }
  request().Set(kAcceptEncoding, list);
}

// A body that goes by as it is keeps its announced length.
void Decompressor::KeepLength(std::uint32_t which, bool end_stream) const {
  direction(which).counters.not_decompressed.Add();
  if (end_stream) return;
  const auto text = Fields(which).FindToken(WEIR_TOKEN_CONTENT_LENGTH);
  if (const auto length = text ? ReadLength(*text) : std::nullopt) Body(which).SetLength(*length);
}

Status Decompressor::OnRequestHeaders(bool end_stream) {
  const bool tunnel = stream().method() == "CONNECT" || !stream().protocol().empty();
  if (!tunnel && !end_stream && direction(WEIR_REQUEST).enabled) Begin(WEIR_REQUEST);
  if (halves_[WEIR_REQUEST].decoder == nullptr) {
    KeepLength(WEIR_REQUEST, end_stream);
  } else {
    direction(WEIR_REQUEST).counters.decompressed.Add();
  }
  if (!tunnel && config().advertise && direction(WEIR_RESPONSE).enabled) Advertise();
  return Status::kContinue;
}

Status Decompressor::OnResponseHeaders(bool end_stream) {
  Half& half = halves_[WEIR_RESPONSE];
  half = Half{};  // a local reply may come after a backend's head
  const bool tunnel = stream().method() == "CONNECT" || !stream().protocol().empty();
  if (!tunnel && !end_stream && direction(WEIR_RESPONSE).enabled && IsWhole(stream().status()) &&
      !response().FindToken(WEIR_TOKEN_CONTENT_RANGE)) {
    Begin(WEIR_RESPONSE);
  }
  if (half.decoder == nullptr) {
    KeepLength(WEIR_RESPONSE, end_stream);
  } else {
    direction(WEIR_RESPONSE).counters.decompressed.Add();
  }
  return Status::kContinue;
}

Decompressor::Step Decompressor::DecodePiece(std::uint32_t which, std::string_view* piece) {
  Half& half = halves_[which];
  while (half.made.size() < kStep) {
    const std::size_t had = half.made.size();
    const std::size_t given = piece->size();
    std::size_t made = 0;
    half.made.resize(had + half.options->chunk_size);
    const Decoder::Result result =
        half.decoder->Run(piece, half.made.data() + had, half.options->chunk_size, &made);
    half.made.resize(had + made);
    half.in += given - piece->size();
    half.out += made;
    if (result == Decoder::Result::kError) return Step::kBad;
    if (half.out > direction(which).max_bytes ||
        (half.out > kHarmless && half.out / half.options->max_ratio > half.in)) {
      return Step::kTooLarge;
    }
    if (result == Decoder::Result::kMore) return Step::kDone;
  }
  return Step::kMore;
}

// Decodes until `made` is full or the input is used up, which then is gone from the body.
Decompressor::Step Decompressor::Decode(std::uint32_t which) {
  const sdk::Body body = Body(which);
  const std::uint64_t size = body.size();
  std::uint64_t used = 0;
  Step step = Step::kDone;
  do {
    std::string_view piece;
    if (used < size) {
      piece = sdk::Text(stream().api()->body_piece(stream().handle(), which, used));
    }
    const std::size_t given = piece.size();
    step = DecodePiece(which, &piece);
    used += given - piece.size();
  } while (step == Step::kDone && used < size);
  direction(which).counters.bytes_in.Add(used);
  return body.Drain(used) ? step : Step::kBad;
}

bool Decompressor::WholeAtEnd(const Half& half) const {
  return half.in == 0 || half.decoder->whole();
}

Status Decompressor::OnData(std::uint32_t which, bool end_stream) {
  Half& half = halves_[which];
  if (half.decoder == nullptr) return Status::kContinue;
  half.end = half.end || end_stream;
  if (half.failed || half.pumping) return Status::kStopWatermark;
  Step step = Decode(which);
  if (step == Step::kMore && StartPump(which)) return Status::kStopWatermark;
  if (step == Step::kMore) step = Step::kTooLarge;
  if (step == Step::kDone && half.end && !WholeAtEnd(half)) step = Step::kBad;
  if (step == Step::kDone && !Body(which).Append(half.made)) step = Step::kTooLarge;
  if (step != Step::kDone) {
    Fail(which, step);
    return Status::kStop;
  }
  direction(which).counters.bytes_out.Add(half.made.size());
  half.made.clear();
  return Status::kContinue;
}

// False: this host cannot pass on bytes between hooks.
bool Decompressor::StartPump(std::uint32_t which) {
  const weir_http_api* const api = stream().api();
  if (!WEIR_HAS(api, inject) || !WEIR_HAS(host().abi(), timer_free)) return false;
  Half& half = halves_[which];
  half.timer = sdk::Timer(host(), Guard([this, which] { Pump(which); }));
  half.pumping = half.timer.valid();
  half.timer.Set(0);
  return half.pumping;
}

// Passes on what is decoded. False: not now, or not any more.
bool Decompressor::PassOn(std::uint32_t which) {
  Half& half = halves_[which];
  if (half.made.empty()) return true;
  const std::int32_t status =
      stream().api()->inject(stream().handle(), which, sdk::View(half.made));
  if (status == WEIR_OK) {
    direction(which).counters.bytes_out.Add(half.made.size());
    half.made.clear();
    return true;
  }
  if (status == WEIR_NO_ROOM) {
    half.timer.Set(kRetryMs);
  } else {
    Fail(which, Step::kBad);
  }
  return false;
}

void Decompressor::Pump(std::uint32_t which) {
  Half& half = halves_[which];
  for (int i = 0; i < kStepsPerRun; ++i) {
    if (half.failed || !PassOn(which)) return;
    const Step step = Decode(which);
    if (step == Step::kMore) continue;
    if (step != Step::kDone) return Fail(which, step);
    if (!half.made.empty() && !PassOn(which)) {
      if (half.failed) return;
      continue;
    }
    half.pumping = false;
    if (!half.end) return;  // what comes next of the body is shown by a hook
    if (!WholeAtEnd(half)) return Fail(which, Step::kBad);
    stream().Resume(which);
    return;
  }
  half.timer.Set(0);
}

// What came was not the body it said to be, or too much of one. A half body must not look whole.
void Decompressor::Fail(std::uint32_t which, Step why) {
  Half& half = halves_[which];
  half.failed = true;
  half.made.clear();
  half.timer.Stop();
  const bool large = why == Step::kTooLarge;
  const DecompressorCounters& counters = direction(which).counters;
  (large ? counters.too_large : counters.bad).Add();
  if (which == WEIR_RESPONSE) {
    stream().Reset();
    return;
  }
  stream().LocalReply({large ? 413u : 400u,
                       large ? "the decompressed body is too large" : "the body cannot be read",
                       large ? "decompressor_too_large" : "decompressor_bad_input",
                       {}});
}

namespace {
constexpr char kName[] = "decompressor";
}  // namespace

const weir_http_filter_api kDecompressorApi = sdk::HttpFilterApi<Decompressor, kName>();

}  // namespace weir::filters
