#pragma once

#include <cstdint>
#include <string>

#include "tests/simulation/tls_kit.h"
#include "tests/simulation/world.h"

namespace weir::sim {

// One connection of somebody who makes no handshake, in either position: garbage, half a
// ClientHello, nothing at all, HTTP without TLS; then an end, a reset, or silence. The worker has
// to let go of it in time, and nobody else may notice.
class TlsStranger final : public Peer {
 public:
  // A client, that comes by itself; or a backend, on a link that was dialled.
  TlsStranger(World* world, TlsKit* kit);
  TlsStranger(World* world, test::SimLink* link);

  uint64_t Tick(uint64_t now_ms) override;
  bool Done() const override { return done_; }
  void OnBytes(std::string_view bytes) override;
  void OnFin() override;
  void OnBroken() override { done_ = true; }
  size_t ReadRoom() override { return SIZE_MAX; }

 private:
  std::string Words(TlsKit* kit);
  void Speak();

  World* world_;
  test::SimLink* link_ = nullptr;
  std::string words_;
  uint64_t at_ = 0;     // when it comes
  uint64_t until_ = 0;  // when it must be over
  bool done_ = false;
};

}  // namespace weir::sim
