#include "core/http/route/domain_index.h"

#include <algorithm>
#include <cstring>

namespace weir::http {
namespace {

// Odd, with bits spread evenly: the golden ratio's and FNV's.
constexpr uint64_t kMultiplier = 0x9e3779b97f4a7c15;
constexpr uint64_t kStepMultiplier = 0x100000001b3;
constexpr uint64_t kStart = 0xcbf29ce484222325;

// Keys come from configuration and tables never change, so nobody outside can make chains longer:
// no secret seed.
uint64_t Mix(uint64_t hash) {
  hash *= kMultiplier;
  return hash ^ hash >> 32;
}

uint64_t Step(uint64_t hash, char c) {
  return (hash ^ static_cast<uint8_t>(c)) * kStepMultiplier;
}

uint64_t HashExact(std::string_view text) {
  uint64_t hash = kStart ^ text.size();
  while (text.size() >= 8) {
    uint64_t word;
    std::memcpy(&word, text.data(), 8);
    hash = Mix(hash ^ word);
    text.remove_prefix(8);
  }
  uint64_t rest = 0;
  if (!text.empty()) std::memcpy(&rest, text.data(), text.size());
  return Mix(hash ^ rest);
}

uint32_t TagOf(uint64_t hash) {
  return static_cast<uint32_t>(hash >> 32);
}

// Nearly every host is lower case already, so this is asked of each: eight bytes at a time.
bool HasUpperCase(std::string_view text) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHigh = 0x80 * kOnes;
  uint64_t found = 0;
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + i, 8);
    const uint64_t low = word & ~kHigh;
    const uint64_t from_a = low + (0x80 - 'A') * kOnes;
    const uint64_t past_z = low + (0x80 - 'Z' - 1) * kOnes;
    found |= from_a & ~past_z & ~word & kHigh;
  }
  for (; i < text.size(); ++i) found |= text[i] >= 'A' && text[i] <= 'Z' ? 1u : 0u;
  return found != 0;
}

// Looser than a Host is checked: a domain that no host can equal is harmless.
bool IsDomainByte(char c) {
  return c > 0x20 && c < 0x7f && std::string_view("/?#@,").find(c) == std::string_view::npos;
}

}  // namespace

uint32_t DomainIndex::Table::Add(std::string_view key, uint64_t hash, uint32_t number) {
  if (const uint32_t other = Find(key, hash, nullptr); other != kNone) return other;
  keys_.push_back({std::string(key), hash, number});
  if (keys_.size() * 2 > slots_.size()) {
    Grow();
  } else {
    Place(hash, static_cast<uint32_t>(keys_.size() - 1));
  }
  return kNone;
}

void DomainIndex::Table::Grow() {
  slots_.assign(slots_.empty() ? 8 : slots_.size() * 2, Slot{});
  for (uint32_t i = 0; i < keys_.size(); ++i) Place(keys_[i].hash, i);
}

void DomainIndex::Table::Place(uint64_t hash, uint32_t key) {
  size_t at = hash & (slots_.size() - 1);
  while (slots_[at].key != kNone) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {TagOf(hash), key};
}

uint32_t DomainIndex::Table::Find(std::string_view key, uint64_t hash, LookupCost* cost) const {
  if (slots_.empty()) return kNone;
  const uint32_t tag = TagOf(hash);
  for (size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
    if (cost != nullptr) ++cost->slots;
    const Slot& slot = slots_[at];
    if (slot.key == kNone) return kNone;
    if (slot.tag != tag) continue;
    if (cost != nullptr) ++cost->comparisons;
    if (keys_[slot.key].text == key) return keys_[slot.key].number;
  }
}

template <bool kFromEnd>
uint64_t DomainIndex::HashWildcard(std::string_view text) {
  uint64_t hash = kStart;
  for (size_t i = 0; i < text.size(); ++i) {
    hash = Step(hash, text[kFromEnd ? text.size() - 1 - i : i]);
  }
  return Mix(hash);
}

template <bool kFromEnd>
uint32_t DomainIndex::AddWildcard(std::string_view text, uint32_t number, Wildcards* wildcards) {
  const uint32_t other = wildcards->table.Add(text, HashWildcard<kFromEnd>(text), number);
  if (other != kNone) return other;
  const bool at_label = (kFromEnd ? text.front() : text.back()) == '.';
  (at_label ? wildcards->at_label : wildcards->anywhere).set(text.size());
  wildcards->longest = std::max(wildcards->longest, text.size());
  return kNone;
}

template <bool kFromEnd>
uint32_t DomainIndex::FindWildcard(std::string_view host, const Wildcards& wildcards,
                                   LookupCost* cost) {
  uint32_t best = kNone;
  uint64_t hash = kStart;
  // The wildcard stands for at least one byte.
  const size_t longest = std::min(wildcards.longest, host.size() - 1);
  for (size_t size = 1; size <= longest; ++size) {
    const char c = host[kFromEnd ? host.size() - size : size - 1];
    hash = Step(hash, c);
    if (!wildcards.anywhere[size] && !(c == '.' && wildcards.at_label[size])) continue;
    const std::string_view part = host.substr(kFromEnd ? host.size() - size : 0, size);
    const uint32_t number = wildcards.table.Find(part, Mix(hash), cost);
    if (number != kNone) best = number;
  }
  return best;
}

DomainError DomainIndex::Add(std::string_view domain, uint32_t number, uint32_t* other) {
  if (domain.empty()) return DomainError::kEmpty;
  if (domain.size() > kMaxSize) return DomainError::kTooLong;
  for (char c : domain) {
    if (!IsDomainByte(c)) return DomainError::kBadByte;
  }
  std::string lower(domain);
  LowerCase(lower.data(), lower.size());
  const size_t star = lower.find('*');
  const std::string_view text = lower;
  const bool at_an_end = star == 0 || star == text.size() - 1;
  if (star != text.npos && (!at_an_end || text.find('*', star + 1) != text.npos)) {
    return DomainError::kBadWildcard;
  }
  if (star == text.npos) {
    *other = exact_.Add(text, HashExact(text), number);
  } else if (text.size() == 1) {
    *other = any_;
    if (any_ == kNone) any_ = number;
  } else if (star == 0) {
    *other = AddWildcard<true>(text.substr(1), number, &suffixes_);
  } else {
    *other = AddWildcard<false>(text.substr(0, star), number, &prefixes_);
  }
  return *other == kNone ? DomainError::kNone : DomainError::kDuplicate;
}

uint32_t DomainIndex::FindLower(std::string_view host, LookupCost* cost) const {
  if (!exact_.empty()) {
    const uint32_t number = exact_.Find(host, HashExact(host), cost);
    if (number != kNone) return number;
  }
  if (!suffixes_.table.empty()) {
    const uint32_t number = FindWildcard<true>(host, suffixes_, cost);
    if (number != kNone) return number;
  }
  if (!prefixes_.table.empty()) {
    const uint32_t number = FindWildcard<false>(host, prefixes_, cost);
    if (number != kNone) return number;
  }
  return any_;
}

uint32_t DomainIndex::Find(std::string_view host, LookupCost* cost) const {
  const bool only_any = exact_.empty() && suffixes_.table.empty() && prefixes_.table.empty();
  if (only_any || host.empty() || host.size() > kMaxSize) return any_;
  if (!HasUpperCase(host)) return FindLower(host, cost);
  // The host was lower-cased when the request came in; one that a filter wrote need not be.
  char lower[kMaxSize];
  host.copy(lower, host.size());
  LowerCase(lower, host.size());
  return FindLower({lower, host.size()}, cost);
}

}  // namespace weir::http
