// From a request's host to a number: which virtual host serves it, at a cost that does not grow
// with their count.
//
// Domains have Envoy's forms and order: an exact name, then the longest "*suffix", then the longest
// "prefix*", then "*". As in Envoy a wildcard stands for at least one byte, and it need not end at
// a label: "*.example.com" takes "a.example.com" and "a.b.example.com" but not "example.com";
// "*-eu.example.com" takes "api-eu.example.com".
//
// Three open-addressed tables. One pass over the host from its end computes the hash of each
// suffix, one from its start that of each prefix; a table is asked only at lengths that some
// wildcard has, and for wildcards at a label boundary only where the host has a dot. So a lookup
// costs one probe for the exact name and at most one for each of these lengths.
//
// Filled while configuration is loaded, then immutable and safe to read from any thread.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/http/authority.h"

namespace weir::http {

// What a lookup did, for tests: a slot is a table entry looked at, a comparison one of two whole
// strings.
struct LookupCost {
  size_t slots = 0;
  size_t comparisons = 0;
};

enum class DomainError : uint8_t {
  kNone,
  kEmpty,
  kTooLong,
  kBadByte,      // a byte that no host or port has
  kBadWildcard,  // more than one '*', or one in the middle
  kDuplicate,    // has a number already
};

class DomainIndex {
 public:
  static constexpr uint32_t kNone = 0xffffffff;

  // Adds a domain for the number. On kDuplicate `*other` is the number that has it. Config time
  // only.
  DomainError Add(std::string_view domain, uint32_t number, uint32_t* other);

  // The number of the best domain for a host, or kNone. The port is part of the host where it is in
  // domains. Case does not matter.
  uint32_t Find(std::string_view host, LookupCost* cost = nullptr) const;

 private:
  // Longer hosts than this are no hosts, so no domain is longer either.
  static constexpr size_t kMaxSize = kMaxAuthoritySize;

  // Key to number, open addressing, at most half full.
  class Table {
   public:
    // The number that has the key already, or kNone when it was added.
    uint32_t Add(std::string_view key, uint64_t hash, uint32_t number);
    uint32_t Find(std::string_view key, uint64_t hash, LookupCost* cost) const;
    bool empty() const { return keys_.empty(); }

   private:
    struct Slot {
      uint32_t tag = 0;
      uint32_t key = kNone;  // index into keys_
    };
    struct Key {
      std::string text;
      uint64_t hash;
      uint32_t number;
    };

    void Grow();
    void Place(uint64_t hash, uint32_t key);

    std::vector<Slot> slots_;
    std::vector<Key> keys_;
  };

  // The wildcards of one direction, each without its '*'. Read inwards from its end of the host: a
  // suffix backwards.
  struct Wildcards {
    Table table;
    std::bitset<kMaxSize + 1> at_label;  // lengths of those whose inner end is a dot
    std::bitset<kMaxSize + 1> anywhere;  // lengths of the others
    size_t longest = 0;
  };

  template <bool kFromEnd>
  static uint64_t HashWildcard(std::string_view text);
  template <bool kFromEnd>
  static uint32_t AddWildcard(std::string_view text, uint32_t number, Wildcards* wildcards);
  template <bool kFromEnd>
  static uint32_t FindWildcard(std::string_view host, const Wildcards& wildcards, LookupCost* cost);
  uint32_t FindLower(std::string_view host, LookupCost* cost) const;

  Table exact_;
  Wildcards suffixes_;
  Wildcards prefixes_;
  uint32_t any_ = kNone;
};

}  // namespace weir::http
