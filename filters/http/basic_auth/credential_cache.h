#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <unordered_map>

namespace weir::filters {

// What a user and a password are known by once they were found right: an HMAC under a key that is
// made anew with each start. The cache holds nothing that a password could be guessed from without
// that key.
using CredentialMac = std::array<std::uint8_t, 32>;

// Credentials that were right a while ago, the least recently used one forgotten first. One worker.
class CredentialCache {
 public:
  // Whether it is there and not too old.
  bool Has(const CredentialMac& mac, std::uint64_t now_ms);
  void Add(const CredentialMac& mac, std::uint64_t expires_ms, std::size_t most);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    CredentialMac mac;
    std::uint64_t expires_ms;
  };
  struct Hash {
    std::size_t operator()(const CredentialMac& mac) const;
  };

  std::list<Entry> entries_;  // the most recently used one first
  std::unordered_map<CredentialMac, std::list<Entry>::iterator, Hash> index_;
};

}  // namespace weir::filters
