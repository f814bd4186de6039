// What changes while a world runs: endpoints, and the configuration.

#include <algorithm>

#include "tests/simulation/worker.h"
#include "tests/simulation/world.h"

namespace weir::sim {
namespace {

constexpr uint32_t kMostReloads = 20;
constexpr uint32_t kMostAddresses = 6;
// Longer than a connection takes that has nothing to do any more, shorter than one is kept.
constexpr uint64_t kRemovedMs = 5000;

}  // namespace

void World::OnBegin(Request* request, const test::SimLink* link) {
  const Setting& setting = began_with_[link->id()];
  request->link = link->id();
  request->setting = setting.number;
  request->cluster = setting.to[request->path];
  request->began = turns_;
  request->begun = true;
  request->accepted = false;
}

bool World::Leaving(const Request& request) const {
  return draining_ || request.setting != worker_->serving().number;
}

bool World::WasWithoutMembers(const Request& request) const {
  const uint64_t turn = empty_turn_[request.cluster];
  return empty_[request.cluster] || (turn != 0 && turn >= request.began);
}

void World::MaybeChange() {
  NoteMembers();
  if (variation_.members && OneIn(60))
    ChangeMembers(static_cast<uint32_t>(Below(variation_.up.size())));
  if (variation_.reloads && !draining_ && setting_.number < kMostReloads && OneIn(120)) Reload();
}

void World::NoteMembers() {
  for (size_t i = 0; i < empty_.size(); ++i) {
    if (empty_[i]) empty_turn_[i] = turns_;
  }
}

void World::ChangeMembers(uint32_t cluster) {
  const upstream::MemberList members = SomeMembers(cluster);
  std::string text = "cluster " + std::to_string(cluster) + " has";
  for (const upstream::Member& member : members.members) {
    for (const net::Address& address : member.addresses)
      text += " " + std::to_string(address.port());
  }
  Trace(text);
  empty_[cluster] = members.members.empty();
  quiet_since_ = 0;
  worker_->Publish(cluster, members);
  NoteMembers();
}

// A name with any of some addresses, or endpoints with one or two each.
upstream::MemberList World::SomeMembers(uint32_t cluster) {
  const uint16_t first = FirstPort(cluster, setting_.versions[cluster]);
  const auto at = [first](uint64_t i) {
    return *net::Address::Parse("127.0.0.1:" + std::to_string(first + i));
  };
  upstream::MemberList list;
  list.by_endpoint = variation_.by_endpoint;
  // None at all is not for long.
  const bool none = !empty_[cluster] && OneIn(6);
  while (!none && list.members.empty()) {
    const uint32_t most = list.by_endpoint ? variation_.backends : kMostAddresses;
    for (uint32_t i = 0; i < most; ++i) {
      if (OneIn(2)) continue;
      if (!list.by_endpoint) {
        list.members.push_back({0, 1, {at(i)}});
        continue;
      }
      upstream::Member member{i, 1 + static_cast<uint32_t>(Below(3)), {}};
      for (uint64_t n = 1 + Below(2); n > 0; --n)
        member.addresses.push_back(at(Below(kMostAddresses)));
      list.members.push_back(std::move(member));
    }
  }
  return list;
}

void World::Reload() {
  const Setting next = variation_.After(setting_, &random_);
  std::string text = "reload " + std::to_string(next.number) + ":";
  for (size_t i = 0; i < next.to.size(); ++i) {
    text += " " + std::to_string(i) + "->" + std::to_string(next.to[i]) + " app" +
            std::to_string(i) +
            (next.present[i] ? " v" + std::to_string(next.versions[i]) : " gone");
    const bool stays = setting_.present[i] && next.present[i];
    if (next.present[i] && (!stays || setting_.versions[i] != next.versions[i])) empty_[i] = false;
  }
  Trace(text + " filters " + std::to_string(next.filters));
  NoteAccepted();
  quiet_since_ = 0;
  setting_ = next;
  worker_->Adopt(next);
}

// What the worker has the whole of is served, whatever it tells the connection.
void World::NoteAccepted() {
  std::map<uint32_t, bool> seen;
  for (const auto& request : requests_) {
    if (!request->begun || request->resolved) continue;
    const test::SimLink& link = *net_.links()[request->link];
    // Behind another one on HTTP/1 it is bytes.
    if (std::exchange(seen[request->link], true) && !request->checks_trailers) continue;
    request->accepted = request->accepted || (request->sent_all && link.unsent() == 0 &&
                                              link.unread_by_worker() == 0 && !Leaving(*request));
  }
}

void World::CheckDial(uint16_t port) {
  if (!worker_->MayDial(port))
    Fail("a connection to " + std::to_string(port) + ", which is no endpoint");
}

// The clients are gone. Connections to endpoints that are gone too end without waiting for a
// timeout, once nothing is asked of them.
void World::CheckRemoved() {
  uint64_t asked = 0;
  for (size_t i = 0; i < empty_.size(); ++i) {
    const std::string name = "cluster.app" + std::to_string(i) + ".upstream_rq_";
    asked += worker_->Stat(name + "active") + worker_->Stat(name + "pending_active");
  }
  if (asked != 0 || quiet_since_ == 0) quiet_since_ = now_ms_;
  if (variation_.by_endpoint) return;
  for (const auto& link : net_.links()) {
    if (link->port() < kFirstPort || link->worker_closed() || worker_->Has(link->port())) continue;
    if (now_ms_ - quiet_since_ > kRemovedMs)
      return Fail("a connection to " + std::to_string(link->port()) + ", which is gone, stays");
  }
}

// No endpoint is a cause that is counted, and that nobody counts in vain.
void World::CheckUnserved() {
  const Variation& v = variation_;
  const bool excused = v.connect_faults || v.limited() || v.backend_idle_closes || v.stalls ||
                       v.backend_cuts || v.client_aborts;
  for (uint32_t i = 0; i < empty_.size(); ++i) {
    const uint64_t counted =
        worker_->Stat("cluster.app" + std::to_string(i) + ".upstream_cx_none_healthy");
    if (counted != 0 && empty_turn_[i] == 0)
      Fail("no endpoint for " + std::to_string(counted) + " requests, where there were some");
    const auto told = std::count_if(requests_.begin(), requests_.end(), [i](const auto& request) {
      return request->cluster == i && request->head_received && request->attempt < 0 &&
             request->status == 503 && request->attempts.empty() && request->lost == 0;
    });
    if (!excused && static_cast<uint64_t>(told) > counted)
      Fail(std::to_string(told) + " answers of 503, " + std::to_string(counted) + " counted");
  }
}

}  // namespace weir::sim
