#include "filters/network/connection_limit/connection_limit.h"

#include <string>

namespace weir::filters {
namespace {

using sdk::ConfigNode;
using sdk::Status;

constexpr char kName[] = "connection_limit";
constexpr std::int64_t kMaxConnections = 1'000'000'000;
constexpr std::int64_t kMaxDelayMs = 60'000;

// {default_value, runtime_key}: there is no runtime, so that the default value always holds.
bool ReadEnabled(const ConfigNode& node, bool* enabled) {
  if (!node) return true;
  if (!node.ExpectMap("runtime_enabled")) return false;
  std::string unused;
  bool ok = true;
  if (const ConfigNode key = node.Get("runtime_key")) ok = key.Read(&unused);
  const ConfigNode value = node.Get("default_value");
  return value ? value.Read(enabled) && ok : node.Fail("runtime_enabled needs default_value");
}

bool ReadPrefix(const ConfigNode& node, std::string* prefix) {
  const ConfigNode value = node.Get("stat_prefix");
  if (!value) return node.Fail("connection_limit needs stat_prefix");
  if (!value.Read(prefix)) return false;
  if (prefix->empty() || prefix->size() > 256) return value.Fail("stat_prefix has 1 to 256 bytes");
  if (prefix->back() != '.') *prefix += '.';
  return true;
}

}  // namespace

bool ConnectionLimitConfig::Load(const sdk::ConfigLoad& load) {
  const ConfigNode& node = load.node;
  if (!node || node.IsNull()) {
    return node.Fail("connection_limit needs stat_prefix and max_connections");
  }
  if (!node.ExpectMap("connection_limit")) return false;
  std::string prefix;
  bool ok = ReadPrefix(node, &prefix);
  const ConfigNode most = node.Get("max_connections");
  ok = (most ? most.Read(1, kMaxConnections, &max_connections)
             : node.Fail("connection_limit needs max_connections")) &&
       ok;
  if (const ConfigNode delay = node.Get("delay")) {
    ok = delay.ReadDuration(&delay_ms) && ok;
    if (delay_ms < 0 || delay_ms > kMaxDelayMs) ok = delay.Fail("delay is 0s to 60s");
  }
  ok = ReadEnabled(node.Get("runtime_enabled"), &enabled) && ok;
  if (!ok) return false;
  limited = load.host.MakeCounter("connection_limit." + prefix + "limited_connections");
  if (WEIR_HAS(load.host.abi(), gauge_add)) {
    active_gauge = load.host.MakeGauge("connection_limit." + prefix + "active_connections");
  }
  return true;
}

ConnectionLimit::~ConnectionLimit() {
  if (state_ == State::kDelayed) config().delayed.GiveBack();
  if (state_ != State::kCounted) return;
  config().active.GiveBack();
  config().active_gauge.Add(-1);
}

void ConnectionLimit::Refuse() {
  const ConnectionLimitConfig& limits = config();
  limits.limited.Add();
  state_ = State::kRefused;
  // No more wait for their end than may be served: waiting costs a socket too.
  const auto most = static_cast<std::uint64_t>(limits.max_connections);
  if (limits.delay_ms > 0 && WEIR_HAS(host().abi(), timer_free) && limits.delayed.Take(most)) {
    state_ = State::kDelayed;
    delay_ = sdk::Timer(host(), [this] {
      connection().Close(/*reset=*/true);
      connection().Resume();  // between hooks, that is what has the host look
    });
  }
  if (delay_.valid()) {
    delay_.Set(static_cast<std::uint64_t>(limits.delay_ms));
  } else {
    connection().Close(/*reset=*/true);
  }
}

Status ConnectionLimit::OnNewConnection() {
  const ConnectionLimitConfig& limits = config();
  if (!limits.enabled) return Status::kContinue;
  if (limits.active.Take(static_cast<std::uint64_t>(limits.max_connections))) {
    state_ = State::kCounted;
    limits.active_gauge.Add(1);
    return Status::kContinue;
  }
  Refuse();
  return Status::kStop;
}

Status ConnectionLimit::OnData(bool) {
  if (state_ != State::kRefused && state_ != State::kDelayed) return Status::kContinue;
  // What it sends while it waits for its end is not kept.
  connection().Drain(connection().size());
  return Status::kStop;
}

const weir_network_filter_api kConnectionLimitApi = sdk::NetworkFilterApi<ConnectionLimit, kName>();

}  // namespace weir::filters
