#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/toy_end.h"

namespace weir::sim {

// A client of the toy protocol: many requests at once on one connection.
class ToyClient final : public ToyEnd {
 public:
  ToyClient(World* world, uint32_t index);

  uint64_t Tick(uint64_t now_ms) override;
  bool Done() const override { return !open_ && next_ == requests_.size(); }
  void OnFin() override;
  void OnBroken() override;

 private:
  void OnEvent(const weir_event& event) override;
  void OnAnswerHead(ToyStream* stream, const weir_event& event);
  void OnAnswerData(ToyStream* stream, const weir_event& event);
  void OnAnswerEnd(ToyStream* stream);
  void OnStreamCut(ToyStream* stream, const weir_event& event);

  void Connect();
  bool Begin(Request* request);
  void Misbehave();
  void Leave(bool abort);
  void Over(const char* how);
  void Wrong(const std::string& what);

  uint32_t index_;
  std::vector<Request*> requests_;
  size_t next_ = 0;
  size_t window_ = 1;
  uint64_t start_at_ = 0;
  uint64_t begin_at_ = 0;
  uint64_t leave_at_ = 0;      // of one that stopped; 0: it did not
  uint64_t misbehave_at_ = 0;  // in bytes received; UINT64_MAX: never
  uint64_t read_ = 0;
  bool lazy_ = false;  // credits late
  bool goaway_ = false;
};

}  // namespace weir::sim
