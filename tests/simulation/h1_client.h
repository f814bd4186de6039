#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "tests/simulation/h1_reader.h"
#include "tests/simulation/world.h"

namespace weir::sim {

// A client of HTTP/1: sends its requests over one connection after the other, up to `window` of
// them before the first answer, and compares what comes back with the ledger.
class H1Client final : public Peer, private H1Reader {
 public:
  H1Client(World* world, uint32_t index);

  uint64_t Tick(uint64_t now_ms) override;
  bool Done() const override;

  void OnBytes(std::string_view bytes) override;
  void OnFin() override;
  void OnBroken() override;
  size_t ReadRoom() override;

 private:
  struct Piece {
    std::string bytes;
    uint64_t pause_ms = 0;  // before it
    bool after_continue = false;
    bool last = false;  // of its request
  };

  void Connect();
  void Begin(Request* request);
  void AddBody(Request* request);
  void Push(uint64_t now_ms);
  bool SendNext(uint64_t now_ms);
  void Misbehave();
  void Leave(bool abort);
  // The connection is over, by whoever; what was begun on it and has no answer is looked at.
  void Over(const char* how, bool clean);
  void Resolve(Request* request, bool complete);
  Request* front() { return waiting_.empty() ? nullptr : waiting_.front(); }

  // H1Reader
  Framing OnHead(const Head& head, uint64_t* length) override;
  void OnBody(std::string_view bytes) override;
  void OnMessageEnd() override;
  void OnFault(const std::string& what) override;

  Framing FinalHead(const Head& head, Request* request, uint64_t* length);
  void CheckAnswer(Request* request);

  World* world_;
  uint32_t index_;
  std::vector<Request*> requests_;
  size_t next_ = 0;  // the first that was not begun
  uint32_t window_ = 1;
  test::SimLink* link_ = nullptr;
  bool open_ = false;
  uint64_t start_at_ = 0;
  std::deque<Piece> out_;
  std::deque<Request*> sending_;  // begun, not sent to the end
  std::deque<Request*> waiting_;  // begun, not answered
  uint64_t pause_until_ = 0;
  uint64_t continue_until_ = 0;
  bool continued_ = false;
  bool interim_ = false;
  bool no_more_ = false;  // the worker said that the connection ends
  bool fin_sent_ = false;
  bool half_close_ = false;
  uint64_t read_pause_until_ = 0;
  uint64_t most_read_ = UINT64_MAX;  // reads slowly
  uint64_t slow_left_ms_ = 0;        // of pauses while it reads
  uint64_t sent_ = 0;
  uint64_t read_ = 0;
  uint64_t misbehave_at_sent_ = UINT64_MAX;
  uint64_t misbehave_at_read_ = UINT64_MAX;
  int misdeed_ = 0;  // 1: closes, 2: aborts, 3: stops for good
  bool stopped_ = false;
  bool overrun_ = false;   // goes on with a long request that is answered
  uint64_t leave_at_ = 0;  // of one that stopped
};

}  // namespace weir::sim
