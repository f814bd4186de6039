#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/admin/gate.h"
#include "core/admin/host.h"
#include "core/admin/page_thread.h"
#include "core/config/admin_config.h"
#include "core/http/terminal.h"
#include "core/net/actor.h"

namespace weir::server {

class LoopDoor;
class AdminTerminal;

// What makes the pages of one admin listener, for all who ask.
class AdminPages {
 public:
  // Bytes of pages that are made and not sent. Beyond it a page is a 503: clients that do not read
  // must not fill the memory of a proxy.
  static constexpr uint64_t kMaxBytes = 64 << 20;

  AdminPages(const config::Admin& settings, std::shared_ptr<admin::Host> host)
      : gate_(settings), host_(std::move(host)) {}

  // Answers now, or later through `later`, on the thread that makes pages. True: *reply is it.
  bool Ask(const admin::Request& request, admin::Reply* reply,
           std::function<void(admin::Reply)> later);
  // What is held for a page; given back when it is sent.
  bool Hold(uint64_t bytes);
  void Release(uint64_t bytes) { held_ -= bytes; }

 private:
  const admin::Gate gate_;
  const std::shared_ptr<admin::Host> host_;
  std::atomic<uint64_t> held_{0};
  admin::PageThread thread_;  // first to go: its work refers to the rest
};

// Makes the terminal filters of the admin listener on one worker, and brings them their pages.
class AdminTerminals final : public http::TerminalMaker {
 public:
  AdminTerminals(std::shared_ptr<AdminPages> pages, net::WorkerContext* worker);
  ~AdminTerminals() override;

  http::Terminal* Make(http::TerminalHost* host) override;

 private:
  friend class AdminTerminal;

  // What pages on their way find of this; null once it is gone.
  struct Waiting {
    AdminTerminals* home = nullptr;
  };
  // Its deferred call sends on: a page's next piece is not sent from inside the codec.
  struct Sender final : net::Actor {
    explicit Sender(AdminTerminals* of) : home(of) {}
    void OnDeferred() override {
      if (home != nullptr) home->SendNow();
    }
    AdminTerminals* home;
  };

  AdminPages* pages() { return pages_.get(); }
  void Ask(AdminTerminal* terminal, const admin::Request& request);
  void Bring(uint64_t number, admin::Reply page);
  void Forget(AdminTerminal* terminal);
  void SendSoon(AdminTerminal* terminal);
  void SendNow();

  std::shared_ptr<AdminPages> pages_;
  net::WorkerContext* worker_;
  std::shared_ptr<LoopDoor> door_;
  std::shared_ptr<Waiting> waiting_ = std::make_shared<Waiting>(Waiting{this});
  Sender* sender_;  // the reactor's once it is retired
  uint64_t last_ = 0;
  std::unordered_map<uint64_t, AdminTerminal*> terminals_;  // those that are not over
  std::vector<uint64_t> to_send_;
};

}  // namespace weir::server
