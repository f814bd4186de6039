#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/simulation/worker.h"
#include "tests/support/sim_net.h"

namespace weir::sim {

// A peer that keeps what it got and sends what it is told to.
class Script final : public test::SimPeer {
 public:
  void OnBytes(std::string_view bytes) override { got.append(bytes); }
  void OnFin() override { fin = true; }
  void OnBroken() override { broken = true; }
  size_t ReadRoom() override { return reads ? SIZE_MAX : 0; }

  bool Got(std::string_view text) const { return got.find(text) != std::string::npos; }

  test::SimLink* link = nullptr;
  std::string got;
  bool fin = false;
  bool broken = false;
  bool reads = true;
};

// A worker whose peers are played by hand.
class RulesTest : public testing::Test {
 protected:
  RulesTest() {
    net_.set_now(now_);
    net_.set_backend([this](test::SimLink* link) {
      backends_.push_back(std::make_unique<Script>());
      backends_.back()->link = link;
      test::SimDial dial;
      dial.peer = backends_.back().get();
      dial.delay_ms = connect_ms_;
      if (on_dial_) on_dial_(backends_.back().get());
      return dial;
    });
  }
  ~RulesTest() override { worker_.reset(); }

  void Start() { worker_ = std::make_unique<Worker>(variation_, &net_, &random_, now_); }

  Script* Client(std::string_view bytes) {
    clients_.push_back(std::make_unique<Script>());
    std::unique_ptr<net::Io> io;
    clients_.back()->link = net_.Connect(clients_.back().get(), &io);
    clients_.back()->link->Send(bytes);
    worker_->Accept(std::move(io));
    return clients_.back().get();
  }
  Script* Backend(size_t i) { return i < backends_.size() ? backends_[i].get() : nullptr; }

  void Turn() {
    net_.DeliverEdges([this] { worker_->reactor()->CountDispatch(); });
    worker_->reactor()->set_now(now_);
    worker_->RunPosted();
    worker_->reactor()->RunTurn();
  }
  // Until nothing happens any more at this time.
  void Settle() {
    bool busy = true;
    while (busy) {
      busy = false;
      while (net_.Step()) busy = true;
      busy = busy || net_.HasEdges() || worker_->reactor()->WaitMs() == 0;
      if (busy) Turn();
    }
  }
  void Pass(uint64_t ms) {
    for (uint64_t i = 0; i < ms; i += 10) {
      now_ += 10;
      net_.set_now(now_);
      Turn();
      Settle();
    }
  }
  void ExpectNothingLeft() {
    for (const auto& client : clients_) client->link->Close();
    Settle();
    Pass(12'000);
    worker_->Sleep();
    EXPECT_EQ(worker_->Leftovers(), "");
  }

  uint64_t now_ = 1'000'000;
  base::Random random_{1};
  Variation variation_;
  test::SimNet net_{&random_};
  uint64_t connect_ms_ = 0;
  std::function<void(Script*)> on_dial_;
  std::vector<std::unique_ptr<Script>> clients_;
  std::vector<std::unique_ptr<Script>> backends_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace weir::sim
