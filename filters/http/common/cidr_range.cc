#include "filters/http/common/cidr_range.h"

#include <charconv>
#include <optional>
#include <string>

namespace weir::filters {
namespace {

using sdk::ConfigNode;

std::optional<unsigned> ReadLength(std::string_view text) {
  unsigned length = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, length);
  if (error != std::errc() || at != end) return std::nullopt;
  return length;
}

bool Finish(const ConfigNode& node, std::string_view address, std::optional<unsigned> given,
            CidrRange* range) {
  const auto raw = util::ParseRawIp(address);
  if (!raw) {
    return node.Fail("\"" + std::string(address.substr(0, 80)) +
                     "\" is no IP address; expected as 10.0.0.0/8 or 2001:db8::/32");
  }
  const unsigned length = given.value_or(raw->bits());
  if (length > raw->bits()) {
    return node.Fail("a prefix of " + std::to_string(length) + " bits; the address has " +
                     std::to_string(raw->bits()));
  }
  // ::ffff:10.0.0.0/104 is 10.0.0.0/8: addresses have one form alone.
  const bool mapped = util::IsMapped(*raw) && length >= 96;
  range->length = mapped ? length - 96 : length;
  range->ip = (mapped ? util::Unmapped(*raw) : *raw).Prefix(range->length);
  return true;
}

}  // namespace

bool CidrRange::Load(const ConfigNode& node) {
  std::string text;
  if (!node.IsMap()) {
    if (!node.Read(&text)) return false;
    const std::size_t slash = text.find('/');
    if (slash == std::string::npos) return Finish(node, text, std::nullopt, this);
    const auto given = ReadLength(std::string_view(text).substr(slash + 1));
    if (!given) return node.Fail("\"" + text.substr(0, 80) + "\" has no prefix length after the /");
    return Finish(node, std::string_view(text).substr(0, slash), given, this);
  }
  const ConfigNode address = node.Get("address_prefix");
  const ConfigNode bits = node.Get("prefix_len");
  std::int64_t given = 0;
  bool ok = address ? address.Read(&text) : node.Fail("a range needs address_prefix");
  ok = (bits ? bits.Read(0, 128, &given)
             : node.Fail("a range needs prefix_len: without it, it would hold every address")) &&
       ok;
  return ok && Finish(address, text, static_cast<unsigned>(given), this);
}

}  // namespace weir::filters
