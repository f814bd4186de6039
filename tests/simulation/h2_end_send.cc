#include <algorithm>

#include "tests/simulation/h2_end.h"

// Sending: what is legal, in the forms that one seldom sees.

namespace weir::sim {
namespace {

using h2::FrameType;
using h2::SettingId;

constexpr uint64_t kGoawayPing = UINT64_MAX;
constexpr size_t kMostUnsent = 131072;

void Put32(std::string* out, uint32_t value) {
  uint8_t bytes[4];
  h2::Write32(bytes, value);
  out->append(reinterpret_cast<const char*>(bytes), sizeof bytes);
}

void PutSetting(std::string* out, SettingId id, uint32_t value) {
  const auto number = static_cast<uint32_t>(id);
  out->push_back(static_cast<char>(number >> 8));
  out->push_back(static_cast<char>(number));
  Put32(out, value);
}

}  // namespace

void H2End::SendRaw(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  if (!preface_sent_) SendPreface();
  if (type == static_cast<uint8_t>(FrameType::kData)) {
    send_window_ -= static_cast<int64_t>(payload.size());
    if (H2Stream* const s = Find(stream)) s->send_window -= static_cast<int64_t>(payload.size());
  }
  uint8_t header[h2::kFrameHeaderSize];
  h2::WriteFrameHeader(header, static_cast<uint32_t>(payload.size()), static_cast<FrameType>(type),
                       flags, stream);
  std::string frame(reinterpret_cast<const char*>(header), sizeof header);
  frame.append(payload);
  Tell("sends", h2::ReadFrameHeader(header));
  link_->Send(frame);
}

void H2End::SendPreface() {
  const Variation& v = world_->variation();
  preface_sent_ = true;
  if (side_ == Side::kClient) link_->Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  const auto one_of = [this](const auto& of) { return of[world_->Below(std::size(of))]; };
  // Small windows make long runs of large bodies.
  const uint32_t least = 16 + v.most_body / 40;
  const uint32_t windows[] = {least, least + 100, 5000, 65535, 65535, 262144, 1 << 20};
  const uint32_t tables[] = {0, 100, 4096, 4096, 65536};
  const uint32_t frames[] = {16384, 16384, 20000, 1 << 20};
  const uint32_t streams[] = {UINT32_MAX, 100, 100, 1, 2, 5};
  const bool none = side_ == Side::kServer && world_->OneIn(8);
  usual_ = Settings();
  usual_.window = std::max(least, one_of(windows));
  usual_.table = one_of(tables);
  usual_.frame = one_of(frames);
  if (side_ == Side::kServer) usual_.streams = one_of(streams);
  least_credit_ = least;
  credit_ = static_cast<Credit>(world_->Below(4));
  pads_ = world_->OneIn(4);
  splits_ = world_->OneIn(4);
  settings_left_ = world_->OneIn(3) ? 1 + static_cast<uint32_t>(world_->Below(10)) : 0;
  pings_left_ = world_->OneIn(4) ? 1 + static_cast<uint32_t>(world_->Below(15)) : 0;
  oddities_left_ = world_->OneIn(4) ? 1 + static_cast<uint32_t>(world_->Below(15)) : 0;
  empties_left_ = world_->OneIn(4) ? 5 : 0;
  if (!none) return SendSettings(usual_);
  // None at first.
  Settings first = usual_;
  first.streams = 0;
  SendSettings(first);
  usual_at_ = world_->now() + 1 + world_->Below(300);
}

// Only what differs from what was said last is said, mostly.
void H2End::SendSettings(const Settings& settings) {
  const bool all = world_->OneIn(4);
  std::string payload;
  if (all || settings.table != said_.table)
    PutSetting(&payload, SettingId::kHeaderTableSize, settings.table);
  if (settings.streams != said_.streams)
    PutSetting(&payload, SettingId::kMaxConcurrentStreams, settings.streams);
  if (all || settings.window != said_.window)
    PutSetting(&payload, SettingId::kInitialWindowSize, settings.window);
  if (all || settings.frame != said_.frame)
    PutSetting(&payload, SettingId::kMaxFrameSize, settings.frame);
  if (world_->OneIn(4)) PutSetting(&payload, static_cast<SettingId>(0xfe0d), 7);
  said_ = settings;
  unacked_.push_back(settings);
  SendRaw(static_cast<uint8_t>(FrameType::kSettings), 0, 0, payload);
}

void H2End::SendHead(H2Stream* stream, const Fields& fields, bool end) {
  std::vector<uint8_t> room(65536);
  weir_out out{room.data(), room.data() + room.size()};
  encoder_.Begin(&out);
  for (const auto& [name, value] : fields) {
    if (name[0] == ':') {
      encoder_.Field(&out, h2::hpack::FindName(name.data(), name.size()), value);
      continue;
    }
    weir_field field{};
    field.name = name.data();
    field.name_size = static_cast<uint16_t>(name.size());
    field.value = value.data();
    field.value_size = static_cast<uint32_t>(value.size());
    field.token = h2::hpack::FindName(name.data(), name.size());
    encoder_.Field(&out, field);
  }
  std::string_view block(reinterpret_cast<const char*>(room.data()),
                         static_cast<size_t>(out.at - room.data()));
  const size_t most = worker_.frame - 300;
  const auto cut = [&] {
    const size_t whole = std::min(block.size(), most);
    return splits_ && world_->OneIn(2) ? world_->Below(whole + 1) : whole;
  };
  size_t n = cut();
  std::string payload;
  int flags = end ? h2::kFlagEndStream : 0;
  const size_t padding = pads_ && world_->OneIn(2) ? world_->Below(200) : 0;
  if (pads_ && padding > 0) {
    flags |= h2::kFlagPadded;
    payload.push_back(static_cast<char>(padding));
  }
  if (side_ == Side::kClient && world_->OneIn(8)) {
    flags |= h2::kFlagPriority;
    Put32(&payload, 0);
    payload.push_back(16);
  }
  payload.append(block.substr(0, n));
  payload.append(padding, '\0');
  block.remove_prefix(n);
  if (block.empty()) flags |= h2::kFlagEndHeaders;
  SendRaw(static_cast<uint8_t>(FrameType::kHeaders), static_cast<uint8_t>(flags), stream->id,
          payload);
  for (int frames = 1; !block.empty(); ++frames) {
    n = frames < 4 ? std::max<size_t>(1, cut()) : std::min(block.size(), most);
    SendRaw(static_cast<uint8_t>(FrameType::kContinuation),
            n == block.size() ? h2::kFlagEndHeaders : 0, stream->id, block.substr(0, n));
    block.remove_prefix(n);
  }
  if (end) stream->ended = true;
}

void H2End::SendReset(H2Stream* stream, uint32_t code) {
  if (stream->reset_sent || stream->reset_received || !open_) return;
  std::string payload;
  Put32(&payload, code);
  SendRaw(static_cast<uint8_t>(FrameType::kRstStream), 0, stream->id, payload);
  stream->reset_sent = true;
  stream->sending = false;
}

void H2End::SendGoaway(uint32_t last, uint32_t code) {
  std::string payload;
  Put32(&payload, last);
  Put32(&payload, code);
  SendRaw(static_cast<uint8_t>(FrameType::kGoaway), 0, 0, payload);
  if (!goaway_sent_) SendPing(kGoawayPing);
  goaway_sent_ = true;
}

void H2End::SendPing(uint64_t opaque) {
  std::string payload;
  Put32(&payload, static_cast<uint32_t>(opaque >> 32));
  Put32(&payload, static_cast<uint32_t>(opaque));
  pings_.push_back(opaque);
  SendRaw(static_cast<uint8_t>(FrameType::kPing), 0, 0, payload);
}

void H2End::SendWindow(uint32_t stream, uint32_t increment) {
  std::string payload;
  Put32(&payload, increment);
  SendRaw(static_cast<uint8_t>(FrameType::kWindowUpdate), 0, stream, payload);
}

// ---- Bodies

void H2End::SendBodies() {
  if (streams_.empty()) return;
  // Whose turn it is, is chance.
  std::vector<uint32_t> ids;
  for (const auto& [id, stream] : streams_) {
    if (stream.sending) ids.push_back(id);
  }
  const size_t start = ids.empty() ? 0 : world_->Below(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    H2Stream* const stream = Find(ids[(start + i) % ids.size()]);
    while (open_ && stream->sending && SendBody(stream)) {
      if (world_->OneIn(3)) break;
    }
    if (!open_) return;
  }
}

// One frame of it. False: nothing can be sent now.
bool H2End::SendBody(H2Stream* s) {
  if (s->next_at > world_->now() || link_->unsent() > kMostUnsent) return false;
  const uint64_t left = s->body_size - s->body_sent;
  if (left == 0) {
    if (s->cut) {
      s->sending = false;
      OnCut(s);
    } else {
      SendEnd(s);
    }
    return false;
  }
  const int64_t window = std::min(s->send_window, send_window_);
  if (window <= 0) return false;
  const uint64_t most = std::max<uint64_t>(s->body_size / 50, 1 + world_->Below(20000));
  uint64_t n = std::min({left, most, static_cast<uint64_t>(window), uint64_t{worker_.frame}});
  uint64_t padding = 0;
  const bool pad =
      pads_ && world_->OneIn(3) && n + 1 < worker_.frame && n + 1 <= static_cast<uint64_t>(window);
  if (pad) {
    padding = world_->Below(
        std::min<uint64_t>({256, worker_.frame - n, static_cast<uint64_t>(window) - n}));
  }
  const bool last =
      n == left && !s->cut && !s->trailers && !(empties_left_ > 0 && world_->OneIn(2));
  std::string payload;
  if (pad) payload.push_back(static_cast<char>(padding));
  AppendBody(s->key, s->body_sent, n, &payload);
  payload.append(padding, '\0');
  s->body_sent += n;
  if (s->has_length && n == left && !s->cut) OnSent(s);
  const int flags = (pad ? h2::kFlagPadded : 0) | (last ? h2::kFlagEndStream : 0);
  if (last) {
    s->ended = true;
    s->sending = false;
    OnSent(s);
  }
  SendRaw(static_cast<uint8_t>(FrameType::kData), static_cast<uint8_t>(flags), s->id, payload);
  if (world_->OneIn(20)) s->next_at = world_->now() + world_->Below(40);
  return s->sending;
}

void H2End::SendEnd(H2Stream* s) {
  s->sending = false;
  s->ended = true;
  OnSent(s);
  if (s->trailers) {
    return SendHead(s, {{"x-sim-trailer", std::to_string(s->request->id)}}, true);
  }
  if (empties_left_ > 0) --empties_left_;
  SendRaw(static_cast<uint8_t>(FrameType::kData), h2::kFlagEndStream, s->id, {});
}

// ---- Credit

uint64_t H2End::CreditOf(uint64_t uncredited) {
  switch (credit_) {
    case Credit::kEager:
    case Credit::kLate:
      return uncredited;
    case Credit::kLazy:
      return world_->OneIn(3) ? uncredited : 0;
    case Credit::kDrip:
      return std::min<uint64_t>(uncredited, least_credit_ + world_->Below(least_credit_));
  }
  return uncredited;
}

void H2End::GiveCredit() {
  uint64_t waiting = uncredited_;
  for (const auto& [id, s] : streams_) waiting += s.uncredited;
  if (waiting == 0) return;
  if (credit_at_ == 0) {
    credit_at_ = world_->now();
    if (credit_ == Credit::kLate) credit_at_ += world_->Below(150);
  }
  if (world_->now() < credit_at_) return;
  const uint64_t connection = CreditOf(uncredited_);
  if (connection > 0) {
    uncredited_ -= connection;
    window_ += static_cast<int64_t>(connection);
    SendWindow(0, static_cast<uint32_t>(connection));
  }
  waiting = uncredited_;
  for (auto& [id, s] : streams_) {
    if (s.uncredited == 0) continue;
    if (s.reset_sent || !s.WorkerMaySend()) s.uncredited = 0;
    const uint64_t credit = s.over ? s.uncredited : CreditOf(s.uncredited);
    if (credit > 0) {
      s.uncredited -= credit;
      s.window += static_cast<int64_t>(credit);
      SendWindow(id, static_cast<uint32_t>(credit));
    }
    waiting += s.uncredited;
  }
  credit_at_ = waiting == 0 ? 0 : world_->now() + 1;
}

// ---- Games

// Settings that change in the middle: windows up, down and below zero, streams to none and back.
void H2End::PlaySettings() {
  if (usual_at_ != 0 && world_->now() >= usual_at_) {
    usual_at_ = 0;
    SendSettings(usual_);
    return;
  }
  if (settings_left_ == 0 || !worker_settings_ || goaway_sent_ || !world_->OneIn(12)) return;
  --settings_left_;
  Settings next = said_;
  const uint32_t windows[] = {0, 1, 100, 16000, 65535, 200000};
  const uint32_t tables[] = {0, 64, 1000, 4096};
  next.window = windows[world_->Below(6)];
  if (world_->OneIn(3)) next.table = tables[world_->Below(4)];
  if (side_ == Side::kServer && world_->OneIn(2))
    next.streams = static_cast<uint32_t>(world_->Below(4));
  SendSettings(next);
  usual_at_ = world_->now() + 1 + world_->Below(200);
}

void H2End::PlayPings() {
  if (pings_left_ > 0 && worker_settings_ && world_->OneIn(8)) {
    --pings_left_;
    SendPing(world_->Below(1000));
  }
  if (oddities_left_ == 0 || !worker_settings_ || !world_->OneIn(8)) return;
  --oddities_left_;
  // Frames of a type that is not known, and priorities that mean nothing any more.
  if (streams_.empty() || world_->OneIn(2)) return SendRaw(0xee, 0xff, 0, "whatever");
  SendRaw(static_cast<uint8_t>(FrameType::kPriority), 0, streams_.begin()->first,
          std::string_view("\0\0\0\0\x10", 5));
}

uint64_t H2End::Play() {
  if (!open_ || mute_) return UINT64_MAX;
  PlaySettings();
  PlayPings();
  GiveCredit();
  SendBodies();
  return open_ ? NextWake() : UINT64_MAX;
}

uint64_t H2End::NextWake() const {
  uint64_t wake = UINT64_MAX;
  const uint64_t soon = world_->now() + 1;
  if (usual_at_ != 0) wake = usual_at_;
  if (credit_at_ != 0) wake = std::min(wake, std::max(soon, credit_at_));
  for (const auto& [id, s] : streams_) {
    if (!s.sending) continue;
    const bool can = s.body_sent == s.body_size || std::min(s.send_window, send_window_) > 0;
    if (can) wake = std::min(wake, std::max(soon, s.next_at));
  }
  return wake;
}

}  // namespace weir::sim
