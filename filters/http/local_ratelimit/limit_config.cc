#include "filters/http/local_ratelimit/limit_config.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace weir::filters::ratelimit {
namespace {

using sdk::ConfigNode;

constexpr std::size_t kMaxLimits = 1000;
// Connections that have used a bucket and are not full again, per configuration.
constexpr std::size_t kMaxConnections = 65'536;
// The key of a bucket: a connection and the values that have none of their own in the file.
constexpr std::size_t kMaxKey = 256;

constexpr std::pair<std::string_view, std::uint32_t> kDenominators[] = {
    {"HUNDRED", 100}, {"TEN_THOUSAND", 10'000}, {"MILLION", 1'000'000}};
constexpr std::pair<std::string_view, bool> kHeaders[] = {{"OFF", false},
                                                          {"DRAFT_VERSION_03", true}};

bool ReadBool(const ConfigNode& node, const char* key, bool* out) {
  const ConfigNode value = node.Get(key);
  return !value || value.Read(out);
}

// Of two buckets of a request, the one that is told to the client.
Taken Tighter(const Taken& a, const Taken& b) {
  return b.limit == 0 || (a.limit != 0 && a.remaining <= b.remaining) ? a : b;
}

}  // namespace

bool Fraction::Load(const ConfigNode& node) {
  if (!node) return true;
  if (!node.ExpectMap("a fraction")) return false;
  bool ok = true;
  // There is no runtime: the default value always holds. Envoy's schema wants the key.
  std::string unused;
  if (const ConfigNode key = node.Get("runtime_key")) ok = key.Read(&unused);
  const ConfigNode value = node.Get("default_value");
  numerator = 0;
  if (!value) return ok && node.Fail("needs default_value: {numerator, denominator}");
  if (!value.ExpectMap("default_value")) return false;
  if (const ConfigNode kind = value.Get("denominator")) {
    ok = kind.ReadOneOf(kDenominators, &denominator) && ok;
  }
  std::int64_t count = 0;
  if (const ConfigNode of = value.Get("numerator")) ok = of.Read(0, denominator, &count) && ok;
  numerator = static_cast<std::uint32_t>(count);
  return ok;
}

bool Fraction::Holds(const sdk::Host& host) const {
  if (numerator >= denominator) return true;
  if (numerator == 0) return false;
  std::uint64_t drawn = 0;
  host.Random(&drawn, sizeof drawn);
  return drawn % denominator < numerator;
}

bool DescriptorLimit::LoadEntry(const ConfigNode& node) {
  if (!node.ExpectMap("an entry")) return false;
  Wanted wanted;
  const ConfigNode key = node.Get("key");
  const ConfigNode value = node.Get("value");
  bool ok = key ? key.Read(&wanted.key) : node.Fail("an entry needs key");
  if (value) ok = value.Read(&wanted.value) && ok;
  wanted.any = wanted.value.empty();
  entries_.push_back(std::move(wanted));
  return ok;
}

bool DescriptorLimit::Load(const ConfigNode& node) {
  if (!node.ExpectMap("a descriptor")) return false;
  const ConfigNode entries = node.Get("entries");
  const ConfigNode size = node.Get("token_bucket");
  if (!entries || !size) return node.Fail("a descriptor needs entries and token_bucket");
  bool ok = size_.Load(size);
  if (!entries.ExpectList("entries")) return false;
  if (entries.size() == 0 || entries.size() > kMaxActions) return entries.Fail("1 to 10 entries");
  for (std::size_t i = 0; i < entries.size(); ++i) ok = LoadEntry(entries.At(i)) && ok;
  return ok;
}

void DescriptorLimit::MakeBuckets(std::size_t most, bool per_connection) {
  per_connection_ = per_connection;
  const bool any =
      std::any_of(entries_.begin(), entries_.end(), [](const auto& e) { return e.any; });
  if (any || per_connection) {
    buckets_ = std::make_unique<KeyedBuckets>(size_, per_connection ? kMaxConnections : most);
  } else {
    bucket_ = std::make_unique<TokenBucket>(size_);
  }
}

bool DescriptorLimit::Matches(const Descriptor& descriptor) const {
  if (descriptor.count != entries_.size()) return false;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Entry& entry = descriptor.entries[i];
    if (entry.key != entries_[i].key) return false;
    if (!entries_[i].any && entry.value != entries_[i].value) return false;
  }
  return true;
}

Taken DescriptorLimit::Take(const Descriptor& descriptor, std::uint64_t connection,
                            std::uint64_t now_ms) const {
  if (bucket_ != nullptr) return bucket_->Take(now_ms);
  char key[kMaxKey];
  std::size_t size = 0;
  const auto put = [&](const void* bytes, std::size_t count) {
    const std::size_t fits = std::min(count, sizeof key - size);
    if (fits > 0) std::memcpy(key + size, bytes, fits);
    size += fits;
  };
  if (per_connection_) put(&connection, sizeof connection);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (!entries_[i].any) continue;
    const std::string_view value = descriptor.entries[i].value;
    // With its length, so that "a","bc" is not "ab","c". What is too long shares with its like.
    const std::uint64_t length = value.size();
    put(&length, sizeof length);
    put(value.data(), value.size());
  }
  return buckets_->Take({key, size}, now_ms);
}

bool LimitConfig::LoadStatus(const ConfigNode& node) {
  if (!node) return true;
  if (!node.ExpectMap("status")) return false;
  const ConfigNode code = node.Get("code");
  std::int64_t value = 0;
  if (!code) return node.Fail("status needs code");
  if (!code.Read(400, 599, &value)) return false;
  status = static_cast<std::uint32_t>(value);
  return true;
}

bool LimitConfig::LoadSwitches(const ConfigNode& node) {
  bool ok = LoadStatus(node.Get("status"));
  ok = enabled.Load(node.Get("filter_enabled")) && ok;
  ok = enforced.Load(node.Get("filter_enforced")) && ok;
  ok = ReadBool(node, "local_rate_limit_per_downstream_connection", &per_connection_) && ok;
  ok = ReadBool(node, "rate_limited_as_resource_exhausted", &resource_exhausted) && ok;
  ok = ReadBool(node, "always_consume_default_token_bucket", &always_default_) && ok;
  if (const ConfigNode shown = node.Get("enable_x_ratelimit_headers")) {
    ok = shown.ReadOneOf(kHeaders, &shows_limits) && ok;
  }
  if (const ConfigNode most = node.Get("max_dynamic_descriptors")) {
    ok = most.Read(1, 1'000'000, &most_) && ok;
  }
  if (const ConfigNode stage = node.Get("stage")) {
    std::int64_t zero = 0;
    ok = stage.Read(0, 0, &zero) && ok;
  }
  for (const char* key : {"local_cluster_rate_limit", "vh_rate_limits"}) {
    ok = node.Refuse(key, "is not available") && ok;
  }
  return ok;
}

bool LimitConfig::LoadFields(const ConfigNode& node) {
  MutationList list;
  bool ok = list.LoadOptions(node.Get("response_headers_to_add"), "response_headers_to_add");
  for (const Mutation& field : list.mutations()) reply_fields.Add(field.name, field.value);
  return not_enforced.LoadOptions(node.Get("request_headers_to_add_when_not_enforced"),
                                  "request_headers_to_add_when_not_enforced") &&
         ok;
}

bool LimitConfig::LoadLimits(const ConfigNode& node) {
  bool ok = true;
  if (const ConfigNode size = node.Get("token_bucket")) {
    has_default_ = true;
    ok = size_.Load(size);
  }
  const ConfigNode rates = node.Get("rate_limits");
  const ConfigNode limits = node.Get("descriptors");
  for (const auto& [list, key] : {std::pair(rates, "rate_limits"), {limits, "descriptors"}}) {
    if (!list) continue;
    if (!list.ExpectList(key)) return false;
    if (list.size() > kMaxLimits) return list.Fail(std::string(key) + ": more than 1000");
  }
  for (std::size_t i = 0; rates && i < rates.size(); ++i) {
    ok = actions_.emplace_back().Load(rates.At(i)) && ok;
  }
  for (std::size_t i = 0; limits && i < limits.size(); ++i) {
    ok = limits_.emplace_back(std::make_unique<DescriptorLimit>())->Load(limits.At(i)) && ok;
  }
  if (ok && actions_.empty() != limits_.empty()) {
    ok = (limits ? limits : rates)
             .Fail("descriptors and rate_limits: one is nothing without the other");
  }
  return ok;
}

bool LimitConfig::MakeCounters(const sdk::ConfigLoad& load) {
  std::string prefix;
  const ConfigNode node = load.node.Get("stat_prefix");
  if (!node) return load.node.Fail("local_ratelimit needs stat_prefix");
  if (!node.Read(&prefix)) return false;
  if (prefix.empty() || prefix.size() > 256) return node.Fail("stat_prefix has 1 to 256 bytes");
  if (prefix.back() != '.') prefix += '.';
  prefix += "http_local_rate_limit.";
  enabled_count = load.host.MakeCounter(prefix + "enabled");
  enforced_count = load.host.MakeCounter(prefix + "enforced");
  limited_count = load.host.MakeCounter(prefix + "rate_limited");
  ok_count = load.host.MakeCounter(prefix + "ok");
  return true;
}

bool LimitConfig::Load(const sdk::ConfigLoad& load) {
  const ConfigNode& node = load.node;
  if (!node || node.IsNull()) return node.Fail("local_ratelimit needs stat_prefix");
  if (!node.ExpectMap("local_ratelimit")) return false;
  bool ok = MakeCounters(load);
  ok = LoadSwitches(node) && ok;
  ok = LoadFields(node) && ok;
  ok = LoadLimits(node) && ok;
  if (!ok) return false;
  for (const auto& limit : limits_) {
    limit->MakeBuckets(static_cast<std::size_t>(most_), per_connection_);
  }
  if (has_default_) {
    if (per_connection_) connections_ = std::make_unique<KeyedBuckets>(size_, kMaxConnections);
    bucket_ = std::make_unique<TokenBucket>(size_);
  }
  return true;
}

Taken LimitConfig::TakeDefault(std::uint64_t connection, std::uint64_t now_ms) const {
  if (!has_default_) return {};
  // A connection without a number shares with its like.
  if (connections_ == nullptr || connection == 0) return bucket_->Take(now_ms);
  return connections_->Take({reinterpret_cast<const char*>(&connection), sizeof connection},
                            now_ms);
}

Taken LimitConfig::Take(const sdk::HttpStream& stream, std::uint64_t now_ms) const {
  std::uint64_t connection = 0;
  if (per_connection_) {
    connection = static_cast<std::uint64_t>(stream.Number(WEIR_NUMBER_CONNECTION_ID).value_or(0));
  }
  Taken told;
  bool matched = false;
  Descriptor descriptor;
  for (const Actions& actions : actions_) {
    if (!actions.Make(stream, &descriptor)) continue;
    for (const auto& limit : limits_) {
      if (!limit->Matches(descriptor)) continue;
      matched = true;
      const Taken taken = limit->Take(descriptor, connection, now_ms);
      if (!taken.ok) return taken;
      told = Tighter(told, taken);
    }
  }
  if (matched && !always_default_) return told;
  const Taken taken = TakeDefault(connection, now_ms);
  return taken.ok ? Tighter(told, taken) : taken;
}

}  // namespace weir::filters::ratelimit
