// A map from address prefixes (RFC 4632, RFC 4291 section 2.3) to values; the longest prefix wins.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "plugins/util/ip_address.h"

namespace weir::util {

// A trie over the bits of an address in which a node stands only where prefixes part or a value is:
// at most 2n nodes for n prefixes, and a look-up visits at most one per bit. IPv4 and IPv6 have a
// trie each; no prefix of one holds an address of the other (::/0 holds no IPv4 address, for those
// have one form alone, see IpAddress). Filled on one thread, then read by any number of them.
class CidrTrie {
 public:
  using Value = std::uint32_t;
  static constexpr Value kNone = std::numeric_limits<Value>::max();

  // Bits of `ip` beyond `length` are not looked at; a length beyond the address's is that of the
  // address. False: the prefix has a value already, which stays. `value` is not kNone.
  bool Insert(const IpAddress& ip, unsigned length, Value value) {
    Family& family = ip.v6 ? v6_ : v4_;
    length = std::min(length, ip.bits());
    const IpAddress prefix = ip.Prefix(length);
    std::uint32_t at = kRoot;
    if (family.nodes.empty()) family.nodes.push_back({{0, 0, ip.v6}, 0, kNone, {0, 0}});
    for (;;) {
      Node& node = family.nodes[at];
      if (node.length == length) return SetValue(&node, value);
      const unsigned side = prefix.Bit(node.length) ? 1 : 0;
      const std::uint32_t next = node.child[side];
      if (next == 0) {
        const std::uint32_t leaf = family.Add({prefix, length, value, {0, 0}});
        family.nodes[at].child[side] = leaf;
        return true;
      }
      const unsigned common = CommonLength(prefix, length, family.nodes[next]);
      if (common == family.nodes[next].length) {
        at = next;
        continue;
      }
      Split(&family, at, side, common);
      at = family.nodes[at].child[side];
    }
  }

  // The value of the longest prefix that holds the address, or kNone.
  Value Find(const IpAddress& ip) const {
    const std::vector<Node>& nodes = (ip.v6 ? v6_ : v4_).nodes;
    if (nodes.empty()) return kNone;
    Value best = kNone;
    for (std::uint32_t at = kRoot;;) {
      const Node& node = nodes[at];
      if (ip.Prefix(node.length) != node.prefix) return best;
      if (node.value != kNone) best = node.value;
      if (node.length == ip.bits()) return best;
      at = node.child[ip.Bit(node.length) ? 1 : 0];
      if (at == 0) return best;
    }
  }
  bool Contains(const IpAddress& ip) const { return Find(ip) != kNone; }

  bool empty() const { return v4_.nodes.empty() && v6_.nodes.empty(); }
  // Nodes of both tries: at most two for each prefix, and the roots.
  std::size_t nodes() const { return v4_.nodes.size() + v6_.nodes.size(); }

 private:
  static constexpr std::uint32_t kRoot = 0;  // nobody's child: 0 there stands for "none"

  struct Node {
    IpAddress prefix;
    unsigned length;
    Value value;
    std::uint32_t child[2];
  };
  struct Family {
    std::vector<Node> nodes;
    std::uint32_t Add(const Node& node) {
      nodes.push_back(node);
      return static_cast<std::uint32_t>(nodes.size() - 1);
    }
  };

  static bool SetValue(Node* node, Value value) {
    if (node->value != kNone) return false;
    node->value = value;
    return true;
  }
  // How many bits the prefix and the node have in common from the front.
  static unsigned CommonLength(const IpAddress& prefix, unsigned length, const Node& node) {
    const unsigned most = std::min(length, node.length);
    const std::uint64_t high = prefix.high ^ node.prefix.high;
    const std::uint64_t low = prefix.low ^ node.prefix.low;
    unsigned common = 128;
    if (high != 0) {
      common = static_cast<unsigned>(__builtin_clzll(high));
    } else if (low != 0) {
      common = 64 + static_cast<unsigned>(__builtin_clzll(low));
    }
    return std::min(common, most);
  }
  // Puts a node of `length` bits between a node and its child.
  static void Split(Family* family, std::uint32_t at, unsigned side, unsigned length) {
    const std::uint32_t below = family->nodes[at].child[side];
    const IpAddress prefix = family->nodes[below].prefix;
    Node middle{prefix.Prefix(length), length, kNone, {0, 0}};
    middle.child[prefix.Bit(length) ? 1 : 0] = below;
    const std::uint32_t added = family->Add(middle);
    family->nodes[at].child[side] = added;
  }

  Family v4_;
  Family v6_;
};

}  // namespace weir::util
