#include "filters/http/fault/policy.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace weir::filters {
namespace {

using sdk::ConfigNode;
using sdk::Fields;
using sdk::Host;

constexpr std::uint64_t kMostDelayMs = 3600000;
constexpr std::int64_t kMostKbps = std::int64_t{1} << 32;

// The number that a field of the request has; nothing when it has none.
template <typename Number>
std::optional<Number> Asked(const Fields& request, std::string_view name) {
  const auto text = request.Find(name);
  if (!text) return std::nullopt;
  Number number = 0;
  const char* const end = text->data() + text->size();
  const auto [at, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc() || at != end || text->empty()) return std::nullopt;
  return number;
}

bool Draw(const Fraction& fraction, bool by_request, const Host& host, const Fields& request,
          std::string_view name) {
  if (by_request) {
    if (const auto percent = Asked<std::uint32_t>(request, name)) {
      return fraction.AtMost(*percent).Draw(host);
    }
  }
  return fraction.Draw(host);
}

}  // namespace

bool FaultPolicy::LoadKind(const sdk::ConfigLoad& load, const char* key, const char* header_key,
                           ConfigNode* node, Kind* kind) {
  *node = load.node.Get(key);
  kind->given = static_cast<bool>(*node);
  if (!kind->given) return true;
  if (!node->ExpectMap(key)) return false;
  bool ok = true;
  if (const ConfigNode header = node->Get(header_key)) {
    kind->by_request = true;
    ok = header.IsNull() || header.ExpectMap(header_key);
  }
  if (const ConfigNode percentage = node->Get("percentage")) {
    return kind->fraction.Load(percentage) && ok;
  }
  load.host.Log(WEIR_LOG_WARN,
                std::string(key) + " has no percentage, which stands for 0%: it never happens");
  return ok;
}

bool FaultPolicy::LoadDelay(const ConfigNode& node) {
  bool ok = node.Refuse("type", "is not available: there is fixed_delay and header_delay");
  const ConfigNode fixed = node.Get("fixed_delay");
  if (static_cast<bool>(fixed) == delay_.by_request) {
    return node.Fail("delay needs one of fixed_delay and header_delay");
  }
  if (!fixed) return ok;
  std::int64_t ms = 0;
  if (!fixed.ReadDuration(&ms)) return false;
  if (ms <= 0) return fixed.Fail("fixed_delay must be more than 0");
  delay_.amount = std::min(static_cast<std::uint64_t>(ms), kMostDelayMs);
  return ok && (static_cast<std::uint64_t>(ms) <= kMostDelayMs ||
                fixed.Fail("fixed_delay is more than an hour"));
}

bool FaultPolicy::LoadAbort(const ConfigNode& node) {
  const ConfigNode http = node.Get("http_status");
  const ConfigNode grpc = node.Get("grpc_status");
  if ((http ? 1 : 0) + (grpc ? 1 : 0) + (abort_.by_request ? 1 : 0) != 1) {
    return node.Fail("abort needs one of http_status, grpc_status and header_abort");
  }
  std::int64_t value = 0;
  if (http) {
    if (!http.Read(200, 599, &value)) return false;
    answer_.http_status = static_cast<std::uint32_t>(value);
  }
  if (grpc) {
    if (!grpc.Read(0, UINT32_MAX, &value)) return false;
    answer_.grpc_status = static_cast<std::uint32_t>(value);
  }
  return true;
}

bool FaultPolicy::LoadRate(const ConfigNode& node) {
  const ConfigNode fixed = node.Get("fixed_limit");
  if (static_cast<bool>(fixed) == rate_.by_request) {
    return node.Fail("response_rate_limit needs one of fixed_limit and header_limit");
  }
  if (!fixed) return true;
  if (!fixed.ExpectMap("fixed_limit")) return false;
  const ConfigNode limit = fixed.Get("limit_kbps");
  if (!limit) return fixed.Fail("fixed_limit needs limit_kbps");
  std::int64_t value = 0;
  if (!limit.Read(1, kMostKbps, &value)) return false;
  rate_.amount = static_cast<std::uint64_t>(value);
  return true;
}

bool FaultPolicy::LoadKinds(const sdk::ConfigLoad& load) {
  ConfigNode node = load.node;
  bool ok = LoadKind(load, "delay", "header_delay", &node, &delay_);
  if (ok && delay_.given) ok = LoadDelay(node);
  bool read = LoadKind(load, "abort", "header_abort", &node, &abort_);
  if (read && abort_.given) read = LoadAbort(node);
  ok = read && ok;
  read = LoadKind(load, "response_rate_limit", "header_limit", &node, &rate_);
  if (read && rate_.given) read = LoadRate(node);
  return read && ok;
}

bool FaultPolicy::Load(const sdk::ConfigLoad& load) {
  if (!load.per_route) {
    counts_ = std::make_unique<Counts>();
    counts_->delays = load.host.MakeCounter("fault.delays_injected");
    counts_->aborts = load.host.MakeCounter("fault.aborts_injected");
    counts_->limits = load.host.MakeCounter("fault.response_rl_injected");
    counts_->overflow = load.host.MakeCounter("fault.faults_overflow");
    counts_->active_gauge = load.host.MakeGauge("fault.active_faults");
  }
  const ConfigNode& root = load.node;
  if (!root || root.IsNull()) return true;
  if (!root.ExpectMap("fault")) return false;
  bool ok = LoadKinds(load);
  for (const char* key :
       {"delay_percent_runtime", "abort_percent_runtime", "delay_duration_runtime",
        "abort_http_status_runtime", "abort_grpc_status_runtime", "max_active_faults_runtime",
        "response_rate_limit_percent_runtime"}) {
    ok = root.Refuse(key, "is not available: there is no runtime") && ok;
  }
  ok = root.Refuse("downstream_nodes", "is not available: match a field with headers") && ok;
  ok = root.Refuse("filter_metadata", "is not available") && ok;
  if (const ConfigNode off = root.Get("disable_downstream_cluster_stats")) {
    bool value = false;
    ok = off.Read(&value) &&
         (value || off.Fail("counters by downstream cluster are not available")) && ok;
  }
  if (const ConfigNode cluster = root.Get("upstream_cluster")) ok = cluster.Read(&cluster_) && ok;
  if (const ConfigNode most = root.Get("max_active_faults")) {
    ok = most.Read(0, UINT32_MAX, &max_active_) && ok;
  }
  return LoadHeaderMatchers(root.Get("headers"), "headers", &headers_) && ok;
}

bool FaultPolicy::Matches(const sdk::HttpStream& stream) const {
  if (!delay_.given && !abort_.given && !rate_.given) return false;
  if (!cluster_.empty() && stream.Attribute(WEIR_ATTR_CLUSTER) != cluster_) return false;
  return AllMatch(headers_, *stream.api(), stream.handle());
}

std::optional<std::uint64_t> FaultPolicy::Delay(const Host& host, const Fields& request) const {
  if (!delay_.given) return std::nullopt;
  std::optional<std::uint64_t> ms = delay_.amount;
  if (delay_.by_request) ms = Asked<std::uint64_t>(request, "x-envoy-fault-delay-request");
  if (ms.value_or(0) == 0) return std::nullopt;
  if (!Draw(delay_.fraction, delay_.by_request, host, request,
            "x-envoy-fault-delay-request-percentage")) {
    return std::nullopt;
  }
  return std::min(*ms, kMostDelayMs);
}

std::optional<std::uint64_t> FaultPolicy::Rate(const Host& host, const Fields& request) const {
  if (!rate_.given) return std::nullopt;
  std::optional<std::uint64_t> kbps = rate_.amount;
  if (rate_.by_request) kbps = Asked<std::uint64_t>(request, "x-envoy-fault-throughput-response");
  if (kbps.value_or(0) == 0) return std::nullopt;
  if (!Draw(rate_.fraction, rate_.by_request, host, request,
            "x-envoy-fault-throughput-response-percentage")) {
    return std::nullopt;
  }
  return std::min(*kbps, static_cast<std::uint64_t>(kMostKbps));
}

std::optional<FaultPolicy::Abort> FaultPolicy::DrawAbort(const Host& host,
                                                         const Fields& request) const {
  if (!abort_.given) return std::nullopt;
  Abort answer = answer_;
  if (abort_.by_request) {
    const auto http = Asked<std::uint32_t>(request, "x-envoy-fault-abort-request");
    if (http && *http >= 200 && *http < 600) {
      answer.http_status = *http;
    } else {
      answer.grpc_status = Asked<std::uint32_t>(request, "x-envoy-fault-abort-grpc-request");
      if (!answer.grpc_status) return std::nullopt;
    }
  }
  if (!Draw(abort_.fraction, abort_.by_request, host, request,
            "x-envoy-fault-abort-request-percentage")) {
    return std::nullopt;
  }
  return answer;
}

}  // namespace weir::filters
