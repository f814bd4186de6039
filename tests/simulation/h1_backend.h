#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "tests/simulation/answer.h"
#include "tests/simulation/h1_reader.h"
#include "tests/simulation/world.h"

namespace weir::sim {

// One connection to an HTTP/1 backend: checks what the worker sends against the ledger, and answers
// by chance, well or badly.
class H1Backend final : public Peer, private H1Reader {
 public:
  H1Backend(World* world, uint32_t host, test::SimLink* link);

  uint64_t Tick(uint64_t now_ms) override;
  bool Done() const override { return closed_; }

  void OnBytes(std::string_view bytes) override { Feed(bytes); }
  void OnFin() override;
  void OnBroken() override;
  void OnLost(std::string_view bytes) override;
  size_t ReadRoom() override;

 private:
  struct Piece {
    std::string bytes;
    uint64_t pause_ms = 0;
  };

  // H1Reader
  Framing OnHead(const Head& head, uint64_t* length) override;
  void OnBody(std::string_view bytes) override;
  void OnTrailer(std::string_view line) override;
  void OnMessageEnd() override;
  void OnFault(const std::string& what) override;

  void StartAnswer();
  void AddHead();
  void AddBody();
  void EndAnswer();
  void Close(bool abort);
  Attempt& attempt() { return request_->attempts[attempt_]; }

  World* world_;
  uint32_t host_;
  test::SimLink* link_;
  bool closed_ = false;
  Request* request_ = nullptr;
  size_t attempt_ = 0;
  bool request_done_ = false;
  bool trailer_seen_ = false;
  bool answering_ = false;
  bool answered_ = false;
  Answer answer_;
  std::deque<Piece> out_;
  uint64_t pause_until_ = 0;
  uint64_t answer_at_ = 0;      // 0: not yet known
  uint64_t idle_close_at_ = 0;  // 0: never
  uint64_t read_pause_until_ = 0;
  std::string lost_;
};

}  // namespace weir::sim
