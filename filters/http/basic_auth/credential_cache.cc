#include "filters/http/basic_auth/credential_cache.h"

#include <cstring>

namespace weir::filters {

// Any part of a keyed digest is as good as random.
std::size_t CredentialCache::Hash::operator()(const CredentialMac& mac) const {
  std::size_t hash = 0;
  std::memcpy(&hash, mac.data(), sizeof hash);
  return hash;
}

bool CredentialCache::Has(const CredentialMac& mac, std::uint64_t now_ms) {
  const auto found = index_.find(mac);
  if (found == index_.end()) return false;
  if (found->second->expires_ms <= now_ms) {
    entries_.erase(found->second);
    index_.erase(found);
    return false;
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  return true;
}

void CredentialCache::Add(const CredentialMac& mac, std::uint64_t expires_ms, std::size_t most) {
  const auto found = index_.find(mac);
  if (found != index_.end()) {
    found->second->expires_ms = expires_ms;
    return;
  }
  if (most == 0) return;
  while (entries_.size() >= most) {
    index_.erase(entries_.back().mac);
    entries_.pop_back();
  }
  entries_.push_front({mac, expires_ms});
  index_[mac] = entries_.begin();
}

}  // namespace weir::filters
