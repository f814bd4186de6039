#include "tests/simulation/world.h"

#include <algorithm>
#include <iostream>

#include "tests/simulation/chance_filter.h"
#include "tests/simulation/h1_backend.h"
#include "tests/simulation/h1_client.h"
#include "tests/simulation/h2_backend.h"
#include "tests/simulation/h2_client.h"
#include "tests/simulation/tls_end.h"
#include "tests/simulation/tls_kit.h"
#include "tests/simulation/tls_stranger.h"
#include "tests/simulation/toy_backend.h"
#include "tests/simulation/toy_client.h"
#include "tests/simulation/worker.h"
#include "tests/support/seeded_openssl.h"

namespace weir::sim {
namespace {

constexpr uint64_t kMostTurns = 400'000;
constexpr uint64_t kMostIdleTurns = 64;
constexpr uint64_t kMostTime = 1'000'000;  // of simulated milliseconds
constexpr size_t kRecent = 60;

}  // namespace

World::World(uint64_t seed, Tell tell)
    : seed_(seed),
      tell_(tell),
      random_(seed * 0x9e3779b97f4a7c15u + 1),
      variation_(Variation::From(&random_)),
      net_(&random_) {
  if (tell != Tell::kNothing) net_.set_trace([this](const std::string& line) { Trace(line); });
  net_.set_now(now_ms_);
  net_.set_most_per_segment(variation_.segment);
  net_.set_buffers(variation_.inbox, variation_.outbox);
  net_.set_backend([this](test::SimLink* link) { return Backend(link); });
  base::Random for_tls(seed * 0x9e3779b97f4a7c15u + 2);
  variation_.ChooseTls(&for_tls);
  base::Random for_changes(seed * 0x9e3779b97f4a7c15u + 3);
  variation_.ChooseChanges(&for_changes);
  setting_ = variation_.First();
  empty_.resize(variation_.up.size());
  empty_turn_.resize(variation_.up.size());
  if (variation_.HasTls()) {
    tls_kit_ = std::make_unique<TlsKit>();
    test::SeedOpenSsl(seed);
  }
  worker_ = std::make_unique<Worker>(variation_, &net_, &random_, now_ms_);
  AddClients();
}

World::~World() {
  // The worker goes while the peers its connections lead to are still there.
  worker_.reset();
}

void World::AddClients() {
  for (uint32_t i = 0; i < variation_.clients; ++i) {
    Speaks speaks = variation_.down;
    if (speaks == Speaks::kMixed) speaks = OneIn(3) ? Speaks::kH1 : Speaks::kH2;
    if (speaks == Speaks::kToy) {
      clients_.push_back(std::make_unique<ToyClient>(this, i));
    } else if (speaks == Speaks::kH2) {
      clients_.push_back(std::make_unique<H2Client>(this, i));
    } else {
      clients_.push_back(std::make_unique<H1Client>(this, i));
    }
  }
  for (uint32_t i = 0; i < variation_.tls_strangers; ++i)
    clients_.push_back(std::make_unique<TlsStranger>(this, tls_kit_.get()));
}

Request* World::NewRequest(uint32_t client) {
  auto request = std::make_unique<Request>();
  request->id = static_cast<uint32_t>(requests_.size());
  request->client = client;
  request->path = request->cluster = static_cast<uint32_t>(Below(variation_.up.size()));
  requests_.push_back(std::move(request));
  return requests_.back().get();
}

// Over TLS a peer says what it speaks, or lets its first bytes say it.
TlsEnd* World::AddTls(test::SimLink* link, bool server, Speaks speaks) {
  const char* const names[] = {"http/1.1", "toy/1", "h2"};
  const std::string alpn = OneIn(4) ? "" : names[static_cast<int>(speaks)];
  tls_ends_.push_back(std::make_unique<TlsEnd>(
      this, tls_kit_.get(), link, server ? TlsEnd::Side::kServer : TlsEnd::Side::kClient, alpn));
  return tls_ends_.back().get();
}

test::SimLink* World::ConnectClient(Peer* peer, Speaks speaks) {
  if (draining_) return nullptr;
  std::unique_ptr<net::Io> io;
  test::SimLink* const link = net_.Connect(peer, &io);
  began_with_[link->id()] = worker_->serving();
  if (variation_.tls_down) {
    TlsEnd* const end = AddTls(link, false, speaks);
    link->set_peer(end);
    end->Serve(peer);
  }
  worker_->Accept(std::move(io));
  return link;
}

test::SimLink* World::ConnectStranger(Peer* peer) {
  if (draining_) return nullptr;
  std::unique_ptr<net::Io> io;
  test::SimLink* const link = net_.Connect(peer, &io);
  worker_->Accept(std::move(io));
  return link;
}

test::SimDial World::Backend(test::SimLink* link) {
  test::SimDial dial;
  CheckDial(link->port());
  dial.delay_ms = OneIn(2) ? 0 : Below(100);
  if (variation_.connect_faults && OneIn(4)) {
    dial.outcome = OneIn(3) ? test::SimDial::Outcome::kNever : test::SimDial::Outcome::kRefuse;
    return dial;
  }
  const uint32_t host = link->port() - kFirstPort;
  const Speaks speaks = variation_.up[ClusterOf(host)];
  const bool tls = variation_.TlsUp(ClusterOf(host));
  if (tls && variation_.connect_faults && OneIn(6)) {
    backends_.push_back(std::make_unique<TlsStranger>(this, link));
    dial.peer = backends_.back().get();
    return dial;
  }
  TlsEnd* const end = tls ? AddTls(link, true, speaks) : nullptr;
  if (speaks == Speaks::kH2) {
    backends_.push_back(std::make_unique<H2Backend>(this, host, link));
  } else if (speaks == Speaks::kToy) {
    backends_.push_back(std::make_unique<ToyBackend>(this, host, link));
  } else {
    backends_.push_back(std::make_unique<H1Backend>(this, host, link));
  }
  dial.peer = backends_.back().get();
  if (end != nullptr) {
    end->Serve(backends_.back().get());
    dial.peer = end;
  }
  return dial;
}

void World::Fail(const std::string& what) {
  Trace("FAILED: " + what);
  if (failure_.empty()) failure_ = what;
}

void World::Trace(const std::string& line) {
  if (tell_ == Tell::kNothing) return;
  if (tell_ == Tell::kAll) {
    std::cout << now_ms_ - 1'000'000 << ' ' << line << '\n';
    return;
  }
  recent_.push_back(std::to_string(now_ms_ - 1'000'000) + " " + line);
  if (recent_.size() > kRecent) recent_.pop_front();
}

bool World::ClientsDone() const {
  return std::all_of(clients_.begin(), clients_.end(), [](const auto& c) { return c->Done(); });
}

uint64_t World::TickPeers() {
  uint64_t wake = UINT64_MAX;
  for (const auto& client : clients_) wake = std::min(wake, client->Tick(now_ms_));
  // A peer's tick adds no backend; the worker's turn does.
  for (const auto& backend : backends_) {
    if (!backend->Done()) wake = std::min(wake, backend->Tick(now_ms_));
  }
  return wake;
}

void World::AdvanceTo(uint64_t now_ms) {
  now_ms_ = std::max(now_ms_, now_ms);
  net_.set_now(now_ms_);
}

void World::MaybeDrain() {
  if (!variation_.drains || draining_ || turns_ < 50 || !OneIn(400)) return;
  NoteAccepted();
  draining_ = true;
  Trace("the worker drains");
  worker_->Drain();
}

void World::Turn() {
  ++turns_;
  net::Reactor* const reactor = worker_->reactor();
  reactor->set_now(now_ms_);
  if (net_.HasEdges()) {
    net_.DeliverEdges([reactor] { reactor->CountDispatch(); });
  }
  MaybeDrain();
  MaybeChange();
  worker_->RunPosted();
  reactor->RunTurn();
  CheckTurn();
}

// One round of everything. False: nothing will ever happen again.
bool World::StepOnce() {
  const uint64_t wake = TickPeers();
  bool moved = false;
  for (uint64_t i = 1 + Below(6); i > 0 && failure_.empty(); --i) moved = net_.Step() || moved;
  if (OneIn(3)) ResumeSome();
  const bool edges = net_.HasEdges();
  const uint64_t wait = worker_->reactor()->WaitMs();
  if (!moved && !edges && wait != 0) {
    // Stops are for a time only.
    if (AnythingStopped()) {
      ResumeSome();
      AdvanceTo(now_ms_ + 1);
    } else {
      uint64_t next = std::min(wake, net_.NextConnect());
      if (wait != UINT64_MAX) next = std::min(next, now_ms_ + wait);
      if (next == UINT64_MAX) return false;
      AdvanceTo(next);
    }
  } else if (OneIn(16)) {
    AdvanceTo(now_ms_ + 1);
  }
  Turn();
  return true;
}

void World::CheckTurn() {
  const uint64_t pinned = worker_->pool()->pinned_bytes();
  // What one connection may hold each way: its limit twice (received, and queued in the other
  // side's output), output up to the host's own bound, and the slabs at the ends of both. Of a body
  // that waits, each stream of a shared connection may hold a slab of its own.
  const uint64_t limit = std::max(variation_.buffer_down, variation_.buffer_up);
  const uint64_t connections = worker_->downstream_open() + worker_->upstream_open();
  const auto streams = static_cast<uint64_t>(std::count_if(
      requests_.begin(), requests_.end(), [](const auto& request) { return !request->resolved; }));
  const uint64_t bound = connections * (4 * limit + 3 * 262144) + (2 + streams) * 262144;
  if (pinned > bound) {
    Fail(std::to_string(pinned) + " bytes pinned by " + std::to_string(connections) +
         " connections");
  }
  const bool wants = worker_->reactor()->WaitMs() == 0;
  idle_turns_ = wants && net_.moved() == moved_before_ ? idle_turns_ + 1 : 0;
  moved_before_ = net_.moved();
  if (idle_turns_ > kMostIdleTurns) Fail("the worker asks for turns in which it does nothing");
  if (turns_ > kMostTurns) Fail("too many turns");
  if (now_ms_ > 1'000'000 + kMostTime) Fail("too much time");
}

void World::CheckEnd() {
  for (const auto& request : requests_) {
    if (!request->resolved) return Fail("request " + std::to_string(request->id) + " has no end");
  }
  ResumeAll();
  worker_->reactor()->RunTurn();
  worker_->RunPosted();
  worker_->Sleep();
  CheckUnserved();
  const std::string left = worker_->Leftovers();
  if (!left.empty()) Fail("left at the end: " + left);
  if (net_.open_ios() != 0) Fail("connections that nobody closed");
}

std::string World::Run() {
  ChanceContext chance;
  chance.random = &random_;
  chance.trace = [this](const std::string& line) { Trace(line); };
  chance.replies = variation_.filter_replies;
  SetChance(&chance);
  Trace("seed " + std::to_string(seed_) + ": " + variation_.Text());
  while (failure_.empty() && !ClientsDone()) {
    if (!StepOnce() && !ClientsDone()) Fail("all stand still");
  }
  // Idle connections time out, and what is under way ends.
  while (failure_.empty() && net_.open_ios() > 0) {
    if (!StepOnce()) break;
    CheckRemoved();
  }
  if (failure_.empty()) CheckEnd();
  SetChance(nullptr);
  return failure_;
}

}  // namespace weir::sim
