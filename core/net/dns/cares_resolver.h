#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/net/dns/resolver.h"
#include "core/net/event_loop.h"

struct ares_channeldata;

namespace weir::net::dns {

struct ResolverOptions {
  std::vector<Address> servers;  // empty: the system's
  bool use_tcp = false;
  bool no_search_domain = false;
  uint32_t timeout_ms = 5'000;
  uint32_t tries = 4;
};

// c-ares on an event loop: one query a call, no cache. Names of /etc/hosts come first, as for every
// program of the machine.
class CaresResolver final : public Resolver {
 public:
  // The loop must outlive it. Throws std::runtime_error when c-ares cannot start.
  CaresResolver(EventLoop* loop, ResolverOptions options);
  ~CaresResolver() override;

  void Lookup(const std::string& name, Family family, std::function<void(Answer)> done) override;
  void LookupService(const std::string& name, std::function<void(ServiceAnswer)> done) override;

 private:
  struct Query;
  struct Socket;
  struct Calls;
  // Wakes c-ares when a query has waited long enough.
  class Timer final : public Actor {
   public:
    explicit Timer(CaresResolver* resolver) : resolver_(resolver) {}
    void OnDeadline() override { resolver_->OnTimer(); }

   private:
    CaresResolver* resolver_;
  };

  void Open();
  void Close();
  void BeginQuery();
  void EndQuery(int status);
  void OnSocket(int fd, bool readable, bool writable);
  void OnTimer();
  void Process(int readable, int writable);
  void ArmTimer();

  EventLoop* loop_;
  ResolverOptions options_;
  ares_channeldata* channel_ = nullptr;
  std::map<int, std::unique_ptr<Socket>> sockets_;
  Timer timer_{this};
  uint32_t pending_ = 0;
  uint32_t inside_ = 0;  // calls of the channel that have not returned
  // No server answered: the system's list of them may have changed.
  bool stale_ = false;
};

}  // namespace weir::net::dns
