#include "core/upstream/dns_target.h"

#include <algorithm>
#include <map>
#include <utility>

namespace weir::upstream {
namespace {

using config::DnsFamily;
using net::dns::Answer;
using net::dns::Family;
using net::dns::ServiceAnswer;
using net::dns::ServiceRecord;
using net::dns::Status;

// Of the records of one service, so many names are looked up at most. The count of hosts has its
// own bound, in the cluster.
constexpr size_t kMaxServiceNames = 256;
constexpr uint64_t kMaxWeight = 1'000'000'000;

// What is known of one name, of both families.
struct Pair {
  Answer v4, v6;
  ServiceRecord record;
};

void Append(const Answer& from, Answer* to) {
  to->addresses.insert(to->addresses.end(), from.addresses.begin(), from.addresses.end());
  to->ttl_s = to->status == Status::kFound ? std::min(to->ttl_s, from.ttl_s) : from.ttl_s;
  to->status = Status::kFound;
}

// One family's failure is the name's: what the other one has is only a part of what was there.
Answer Join(const Pair& pair, DnsFamily family) {
  switch (family) {
    case DnsFamily::kV4Only:
      return pair.v4;
    case DnsFamily::kV6Only:
      return pair.v6;
    case DnsFamily::kAuto:
    case DnsFamily::kV4Preferred:
      return pair.v4.status == Status::kEmpty ? pair.v6 : pair.v4;
    case DnsFamily::kAll:
      break;
  }
  if (pair.v4.status == Status::kFailed) return pair.v4;
  if (pair.v6.status == Status::kFailed) return pair.v6;
  Answer both = pair.v4;
  if (pair.v6.status == Status::kFound) Append(pair.v6, &both);
  return both;
}

// Those of the most preferred priority that has any address; the others are what to fall back on.
std::vector<const Pair*> Preferred(const std::vector<Pair>& pairs, DnsFamily family) {
  std::map<uint16_t, std::vector<const Pair*>> by_priority;
  for (const Pair& pair : pairs) {
    if (Join(pair, family).status == Status::kFound)
      by_priority[pair.record.priority].push_back(&pair);
  }
  return by_priority.empty() ? std::vector<const Pair*>() : by_priority.begin()->second;
}

bool Before(const ServiceRecord& a, const ServiceRecord& b) {
  if (a.priority != b.priority) return a.priority < b.priority;
  return a.target != b.target ? a.target < b.target : a.port < b.port;
}

}  // namespace

// One lookup of the name: all the questions that it takes.
struct DnsTarget::Round {
  std::vector<Pair> pairs;
  Status status = Status::kFound;
  std::string error;
  uint32_t ttl_s = UINT32_MAX;
  uint32_t waits = 0;  // questions without an answer yet
};

DnsTarget::DnsTarget(const World& world, uint32_t endpoint, std::function<void(const Result&)> done)
    : world_(world),
      endpoint_(endpoint),
      done_(std::move(done)),
      refresh_(world.cluster, world.random) {}

DnsTarget::~DnsTarget() {
  round_.reset();  // answers that are still to come find nobody
}

void DnsTarget::LookUp() {
  const auto round = std::make_shared<Round>();
  round_ = round;
  if (endpoint().lookup == config::Endpoint::Lookup::kService) return LookUpService(round);
  round->pairs.resize(1);
  round->pairs[0].record.port = endpoint().address.port;
  ++round->waits;  // the round is not over before all have been asked
  LookUpAddresses(round, 0, endpoint().hostname);
  if (--round->waits == 0) Finish(round.get());
}

void DnsTarget::LookUpService(const std::shared_ptr<Round>& round) {
  const auto done = [this, weak = std::weak_ptr<Round>(round)](ServiceAnswer answer) {
    const std::shared_ptr<Round> now = weak.lock();
    if (now == nullptr) return;
    now->status = answer.status;
    now->error = answer.error;
    now->ttl_s = answer.ttl_s;
    if (answer.status != Status::kFound) return Finish(now.get());
    std::sort(answer.records.begin(), answer.records.end(), Before);
    if (answer.records.size() > kMaxServiceNames) answer.records.resize(kMaxServiceNames);
    now->pairs.resize(answer.records.size());
    ++now->waits;
    for (size_t at = 0; at < answer.records.size(); ++at) {
      now->pairs[at].record = answer.records[at];
      LookUpAddresses(now, at, answer.records[at].target);
    }
    if (--now->waits == 0) Finish(now.get());
  };
  world_.resolver->LookupService(endpoint().service, done);
}

void DnsTarget::LookUpAddresses(const std::shared_ptr<Round>& round, size_t at,
                                const std::string& name) {
  const DnsFamily family = world_.cluster->dns_lookup_family;
  const auto ask = [&](Family which) {
    ++round->waits;
    const auto done = [this, at, which, weak = std::weak_ptr<Round>(round)](Answer answer) {
      const std::shared_ptr<Round> now = weak.lock();
      if (now == nullptr) return;
      Pair& pair = now->pairs[at];
      (which == Family::kIpv4 ? pair.v4 : pair.v6) = std::move(answer);
      if (--now->waits == 0) Finish(now.get());
    };
    world_.resolver->Lookup(name, which, done);
  };
  if (family != DnsFamily::kV6Only) ask(Family::kIpv4);
  if (family != DnsFamily::kV4Only) ask(Family::kIpv6);
}

void DnsTarget::Adopt(Round* round) {
  const bool logical = world_.cluster->type == config::ClusterType::kLogicalDns;
  std::vector<Member> members;
  for (const Pair* pair : Preferred(round->pairs, world_.cluster->dns_lookup_family)) {
    const Answer answer = Join(*pair, world_.cluster->dns_lookup_family);
    const uint64_t weight = std::min(
        kMaxWeight, uint64_t{endpoint().weight} * std::max<uint64_t>(1, pair->record.weight));
    round->ttl_s = std::min(round->ttl_s, answer.ttl_s);
    for (net::Address address : answer.addresses) {
      address.set_port(pair->record.port);
      if (logical && !members.empty()) {
        members.front().addresses.push_back(address);
      } else {
        members.push_back({endpoint_, static_cast<uint32_t>(weight), {address}});
      }
    }
  }
  members_ = std::move(members);
}

void DnsTarget::Finish(Round* round) {
  if (round->status == Status::kFound) {
    const DnsFamily family = world_.cluster->dns_lookup_family;
    // Of a service a target that failed would seem to be gone: the old answer is the better one,
    // unless there is none.
    bool found = false;
    for (const Pair& pair : round->pairs) {
      const Answer answer = Join(pair, family);
      found = found || answer.status == Status::kFound;
      if (answer.status == Status::kFound) continue;
      if (round->status != Status::kFailed) round->status = answer.status;
      round->error = answer.error;
    }
    const bool partial = found && (round->status == Status::kEmpty || members_.empty());
    if (partial) round->status = Status::kFound;
    if (round->status == Status::kFound) Adopt(round);
  }
  const Result result{round->status, round->error};
  const uint64_t wait = refresh_.Next(round->status, round->ttl_s == UINT32_MAX ? 0 : round->ttl_s);
  tried_ = true;
  round_.reset();
  world_.reactor->SetDeadline(this, world_.reactor->now_ms() + wait);
  done_(result);
}

}  // namespace weir::upstream
