#include "tests/unit/filters/network/http_connection_manager/h2_world.h"

#include <utility>

namespace weir::hcm {

using h2::FrameType;

const h2::OutFrame* H2Far::Last(FrameType type, uint32_t stream) const {
  const h2::OutFrame* last = nullptr;
  for (const h2::OutFrame& frame : peer.frames()) {
    if (frame.Is(type) && frame.header.stream == stream) last = &frame;
  }
  return last;
}

size_t H2Far::Count(FrameType type) const {
  size_t count = 0;
  for (const h2::OutFrame& frame : peer.frames()) count += frame.Is(type) ? 1u : 0u;
  return count;
}

std::string H2Far::Field(uint32_t stream, std::string_view name) const {
  const h2::OutFrame* head = Last(FrameType::kHeaders, stream);
  return head == nullptr ? "(no head)" : head->Field(name);
}

std::string H2Far::Body(uint32_t stream) const {
  std::string body;
  for (const h2::OutFrame& frame : peer.frames()) {
    if (frame.Is(FrameType::kData) && frame.header.stream == stream) body += frame.payload;
  }
  return body;
}

bool H2Far::Ended(uint32_t stream) const {
  for (const h2::OutFrame& frame : peer.frames()) {
    const bool content = frame.Is(FrameType::kData) || frame.Is(FrameType::kHeaders);
    if (content && frame.header.stream == stream && frame.header.Has(h2::kFlagEndStream))
      return true;
  }
  return false;
}

H2World::H2World(Backends backends, const std::string& keys, const std::string& routes,
                 const std::string& cluster, const std::vector<test::FilterScript*>& scripts)
    : HcmWorld(keys, routes, cluster, "", scripts,
               backends == Backends::kH1 ? test::H1Upstream() : test::H2Upstream()) {}

H2Far& H2World::Connect(const h2::wire::SettingList& settings) {
  Client& client = HcmWorld::Connect();
  clients_.push_back(std::make_unique<H2Far>(h2::Position::kServer));
  H2Far& far = *clients_.back();
  far.wire = &client.peer;
  far.io = client.io;
  Say(far, h2::wire::Preface() + h2::wire::Settings(settings));
  Say(far, h2::wire::SettingsAck());
  return far;
}

H2Far& H2World::Back(size_t i, const h2::wire::SettingList& settings) {
  while (backs_.size() <= i) backs_.push_back(nullptr);
  if (backs_[i] == nullptr) {
    backs_[i] = std::make_unique<H2Far>(h2::Position::kClient);
    backs_[i]->wire = &backend(i).peer;
    backs_[i]->io = backend(i).io;
    Say(*backs_[i], h2::wire::Settings(settings));
    Say(*backs_[i], h2::wire::SettingsAck());
  }
  return *backs_[i];
}

void H2World::Say(H2Far& far, const std::string& bytes) {
  Collect();
  if (far.wire->closed) return;
  far.peer.CodecRead(bytes);
  far.wire->to_read += bytes;
  far.io->Wake(true, false);
  Turn();
  Collect();
}

void H2World::Take(H2Far& far, size_t room) {
  far.wire->write_room = room;
  far.io->Wake(false, true);
  Turn();
}

void H2World::Collect() {
  for (const auto* ends : {&clients_, &backs_}) {
    for (const auto& far : *ends) {
      // Of frames that a short write has cut the rest is still to come.
      if (far != nullptr && far->wire->write_room == SIZE_MAX)
        far->peer.CodecWrote(std::exchange(far->wire->written, {}));
    }
  }
}

std::string H2World::Request(H2Far& far, uint32_t stream, bool end, const std::string& method,
                             const h2::TextFields& more) {
  h2::TextFields fields = {
      {":method", method}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return h2::wire::Headers(stream, far.encoder.Encode(fields), end);
}

std::string H2World::Response(H2Far& far, uint32_t stream, const std::string& status, bool end) {
  return h2::wire::Headers(stream, far.encoder.Encode({{":status", status}}), end);
}

void H2World::Answer(size_t i, const std::string& bytes) {
  HcmWorld::Answer(i, bytes);
  Collect();
}

void H2World::Pass(uint64_t ms) {
  HcmWorld::Pass(ms);
  Collect();
}

}  // namespace weir::hcm
