#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "tests/simulation/h2_end.h"

namespace weir::sim {

// A client of HTTP/2: many requests at once on one connection, to several clusters, and one
// connection after the other.
class H2Client final : public H2End {
 public:
  H2Client(World* world, uint32_t index);

  uint64_t Tick(uint64_t now_ms) override;
  bool Done() const override { return !open_ && to_do_.empty(); }
  void OnFin() override;
  void OnBroken() override;

 private:
  void OnHead(H2Stream* stream, const Fields& fields, bool end) override;
  void OnTrailers(H2Stream* stream, const Fields& fields) override;
  void OnData(H2Stream* stream, std::string_view bytes, bool end) override;
  void OnReset(H2Stream* stream, uint32_t code) override;
  void OnGoaway(uint32_t last, uint32_t code) override;
  void OnLostHead(uint32_t, const Fields&) override {}
  void OnCut(H2Stream*) override {}
  void OnSent(H2Stream* stream) override { stream->request->sent_all = true; }
  void Wrong(const std::string& what) override;

  void Connect();
  void Begin(Request* request);
  void OnAnswerEnd(H2Stream* stream);
  void MaybeReset();
  void MaybeMisbehave();
  bool AllSent() const;
  void Misbehave();
  void Leave(bool abort);
  void Over(const char* how);
  uint32_t Waiting() const;  // for an answer

  uint32_t index_;
  std::deque<Request*> to_do_;
  uint32_t next_id_ = 1;
  uint32_t window_ = 1;  // requests at once
  uint64_t start_at_ = 0;
  uint64_t begin_at_ = 0;
  uint64_t leave_at_ = 0;      // of one that stopped; 0: it did not
  uint64_t misbehave_at_ = 0;  // in bytes received; UINT64_MAX: never
  uint64_t read_ = 0;
  bool goaway_ = false;
  bool stubborn_ = false;     // opens streams behind the first GOAWAY of two
  bool resets_ = false;       // a stream, now and then
  bool half_closes_ = false;  // sends its FIN behind the last request
  bool flooded_ = false;      // it opened more streams than allowed, or reset some
};

}  // namespace weir::sim
