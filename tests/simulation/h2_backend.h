#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/answer.h"
#include "tests/simulation/h2_end.h"

namespace weir::sim {

// One connection to a backend that speaks HTTP/2.
class H2Backend final : public H2End {
 public:
  H2Backend(World* world, uint32_t host, test::SimLink* link);

  uint64_t Tick(uint64_t now_ms) override;
  bool Done() const override { return !open_; }
  void OnFin() override;
  void OnBroken() override;

 private:
  struct Exchange {
    Answer answer;
    uint64_t answer_at = 0;  // 0: not yet known
    bool answering = false;
    bool done = false;
  };

  void OnHead(H2Stream* stream, const Fields& fields, bool end) override;
  void OnTrailers(H2Stream* stream, const Fields& fields) override;
  void OnData(H2Stream* stream, std::string_view bytes, bool end) override;
  void OnReset(H2Stream* stream, uint32_t code) override;
  void OnGoaway(uint32_t, uint32_t) override {}
  void OnLostHead(uint32_t id, const Fields& fields) override;
  void OnCut(H2Stream* stream) override;
  void OnSent(H2Stream* stream) override { AttemptOf(*stream).answered = true; }
  void Wrong(const std::string& what) override;

  Request* RequestOf(const Fields& fields) const;
  Attempt& AttemptOf(const H2Stream& s) { return s.request->attempts[s.attempt]; }
  void OnRequestEnd(H2Stream* stream, bool trailers);
  void Advance(H2Stream* stream, Exchange* e);
  void StartAnswer(H2Stream* stream, Exchange* e);
  void CutStream(H2Stream* stream, Exchange* e);
  void SendGarbage(H2Stream* stream);
  void EndStream(H2Stream* stream);
  void LeaveSlowly();
  bool Idle() const;
  void Close(bool abort);

  uint32_t host_;
  std::map<uint32_t, Exchange> exchanges_;
  std::vector<std::pair<Request*, size_t>> served_;  // with the number of the attempt
  uint64_t preface_at_ = 0;
  uint64_t idle_close_at_ = 0;
  uint64_t last_word_at_ = 0;   // of a goodbye in two steps
  uint32_t last_ = UINT32_MAX;  // the highest stream that is served, once it leaves
  bool leaving_ = false;
};

}  // namespace weir::sim
