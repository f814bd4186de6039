#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/answer.h"
#include "tests/simulation/toy_end.h"

namespace weir::sim {

// One connection to a backend that speaks the toy protocol.
class ToyBackend final : public ToyEnd {
 public:
  ToyBackend(World* world, uint32_t host, test::SimLink* link);

  uint64_t Tick(uint64_t now_ms) override;
  bool Done() const override { return !open_; }
  void OnFin() override;
  void OnBroken() override;
  void OnLost(std::string_view bytes) override;

 private:
  struct Exchange {
    ToyStream* stream = nullptr;
    Answer answer;
    uint64_t answer_at = 0;  // 0: not yet known
    bool answering = false;
    bool done = false;
  };

  void OnEvent(const weir_event& event) override;
  void OnRequest(const weir_event& event);
  void OnRequestEnd(ToyStream* stream, bool trailers);
  Exchange* ExchangeOf(const ToyStream* stream);
  Attempt& AttemptOf(const ToyStream& s) { return s.request->attempts[s.attempt]; }
  void Advance(Exchange* e);
  void StartAnswer(Exchange* e);
  void CutStream(Exchange* e);
  void Close(bool abort);
  void Wrong(const std::string& what);

  uint32_t host_;
  std::vector<Exchange> exchanges_;
  std::vector<std::pair<Request*, size_t>> served_;  // with the number of the attempt
  uint64_t idle_close_at_ = 0;
  bool leaving_ = false;  // said goaway
  std::string lost_;
};

}  // namespace weir::sim
