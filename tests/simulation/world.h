#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/base/slab.h"
#include "core/config/config.h"
#include "core/net/network_filter.h"
#include "core/net/worker_context.h"
#include "core/observe/stats.h"
#include "core/upstream/members.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/variation.h"
#include "tests/support/sim_net.h"

namespace weir::sim {

class TlsEnd;
class TlsKit;
class Worker;

// A simulated program at the other end of a connection, or of several.
class Peer : public test::SimPeer {
 public:
  // Goes on with what it does by itself. Returns when it wants to be called again without bytes;
  // UINT64_MAX: not before something comes.
  virtual uint64_t Tick(uint64_t now_ms) = 0;
  // Nothing is left to do.
  virtual bool Done() const = 0;
};

// One run: the worker under test, the network, the peers, the time, and what may not happen.
class World {
 public:
  // Tells nobody, keeps the last lines for `recent`, or prints all as it happens.
  enum class Tell { kNothing, kRecent, kAll };
  World(uint64_t seed, Tell tell);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Runs until all is over. Empty: nothing was wrong.
  std::string Run();

  // --- for the peers
  uint64_t now() const { return now_ms_; }
  base::Random& random() { return random_; }
  uint64_t Below(uint64_t bound) { return random_.Below(bound); }
  bool OneIn(uint64_t n) { return random_.Below(n) == 0; }
  const Variation& variation() const { return variation_; }
  test::SimNet& net() { return net_; }
  Request* NewRequest(uint32_t client);
  Request* Find(uint32_t id) { return id < requests_.size() ? requests_[id].get() : nullptr; }
  // speaks: not kMixed.
  test::SimLink* ConnectClient(Peer* peer, Speaks speaks);
  test::SimLink* ConnectStranger(Peer* peer);
  bool draining() const { return draining_; }
  // The request goes on its way over `link`, whose configuration says to which cluster.
  void OnBegin(Request* request, const test::SimLink* link);
  // The request's connection was told to end.
  bool Leaving(const Request& request) const;
  // The request's cluster had no endpoint at some time since it began.
  bool WasWithoutMembers(const Request& request) const;
  // The first one counts.
  void Fail(const std::string& what);
  void Trace(const std::string& line);
  bool telling() const { return tell_ != Tell::kNothing; }

  const std::deque<std::string>& recent() const { return recent_; }

 private:
  friend class Worker;

  void AddClients();
  test::SimDial Backend(test::SimLink* link);
  TlsEnd* AddTls(test::SimLink* link, bool server, Speaks speaks);
  bool StepOnce();
  void Turn();
  uint64_t TickPeers();
  bool ClientsDone() const;
  void AdvanceTo(uint64_t now_ms);
  void MaybeDrain();
  void MaybeChange();
  void Reload();
  void ChangeMembers(uint32_t cluster);
  upstream::MemberList SomeMembers(uint32_t cluster);
  void NoteAccepted();
  void NoteMembers();
  void CheckDial(uint16_t port);
  void CheckRemoved();
  void CheckUnserved();
  void CheckTurn();
  void CheckEnd();

  const uint64_t seed_;
  const Tell tell_;
  uint64_t now_ms_ = 1'000'000;
  base::Random random_;
  Variation variation_;
  test::SimNet net_;
  std::unique_ptr<TlsKit> tls_kit_;
  std::vector<std::unique_ptr<TlsEnd>> tls_ends_;
  std::unique_ptr<Worker> worker_;
  std::vector<std::unique_ptr<Request>> requests_;
  std::vector<std::unique_ptr<Peer>> clients_;
  std::vector<std::unique_ptr<Peer>> backends_;
  bool draining_ = false;
  Setting setting_;
  std::map<uint32_t, Setting> began_with_;  // by the client's link
  std::vector<bool> empty_;                 // clusters without endpoints
  std::vector<uint64_t> empty_turn_;        // when each was so for the last time; 0: never
  uint64_t quiet_since_ = 0;                // nothing is asked of any backend
  uint64_t turns_ = 0;
  uint64_t idle_turns_ = 0;  // in a row, in which the worker asked for another and moved nothing
  uint64_t moved_before_ = 0;
  std::string failure_;
  std::deque<std::string> recent_;
};

}  // namespace weir::sim
