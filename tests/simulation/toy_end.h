#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simulation/world.h"
#include "tests/support/fake_codec_host.h"

namespace weir::sim {

// One stream as a simulated peer sees it.
struct ToyStream {
  test::FakeStream half;
  uint32_t number = 0;
  Request* request = nullptr;
  size_t attempt = 0;      // of a backend
  uint64_t body_sent = 0;  // given to `half`
  uint64_t body_size = 0;
  bool cut = false;      // no end follows the body
  uint64_t next_at = 0;  // when more of it is given
  uint64_t received = 0;
  uint64_t uncredited = 0;
  bool sent_head = false;
  bool ended = false;  // all was given to `half`
  bool received_all = false;
  bool over = false;
  // The trailers point into these.
  weir_head trailers{};
  weir_field trailer_field{};
  std::string trailer_value;
};

// One end of a connection in the toy protocol, played with the toy codec itself: it is the frames'
// other side that is under test here, the worker's use of them.
class ToyEnd : public Peer {
 public:
  ToyEnd(World* world, uint8_t position);
  ~ToyEnd() override;

  void OnBytes(std::string_view bytes) override;
  size_t ReadRoom() override;

 protected:
  virtual void OnEvent(const weir_event& event) = 0;

  // A new connection: a new codec.
  void Restart(test::SimLink* link);
  ToyStream* NewStream();
  ToyStream* Of(const weir_event& event);
  // Gives the codec the next piece of the stream's body when it is time; `key` makes its bytes.
  void SendBody(ToyStream* stream, uint64_t key, bool trailers);
  // When SendBody wants to be called again.
  uint64_t NextWake() const;
  // Tells the sender that what was received was taken, all of it or, by chance, not yet.
  void Credit(bool all);
  // Writes what the codec has to say. True: the codec says that the connection is over.
  bool Flush();
  void Forget();  // streams that are over

  World* const world_;
  const uint8_t position_;
  test::SimLink* link_ = nullptr;
  weir_codec* codec_ = nullptr;
  std::vector<std::unique_ptr<ToyStream>> streams_;
  test::FakeOut out_;
  bool open_ = false;
  bool deaf_ = false;  // reads nothing more

 private:
  void Parse(uint32_t flags);

  weir_codec_params params_{};
  std::string input_;
};

}  // namespace weir::sim
