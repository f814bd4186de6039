#include "filters/http/rbac/leaf_rules.h"

#include <utility>

namespace weir::filters::rbac {

using sdk::ConfigNode;

bool PathRule::Load(const ConfigNode& node) {
  if (!node.ExpectMap("url_path")) return false;
  const ConfigNode path = node.Get("path");
  return path ? path_.Load(path) : node.Fail("url_path needs path");
}

bool AddressRule::Load(const ConfigNode& node) {
  CidrRange range;
  if (!range.Load(node)) return false;
  trie_.Insert(range.ip, range.length, 0);
  ranges_.push_back(range);
  return true;
}

bool AddressRule::Merge(const AddressRule& other) {
  if (other.which_ != which_) return false;
  for (const CidrRange& range : other.ranges_) trie_.Insert(range.ip, range.length, 0);
  ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end());
  return true;
}

bool AddressRule::Matches(const Subject& subject) const {
  const util::IpPort* const address = subject.address(which_);
  return address != nullptr && trie_.Contains(address->ip);
}

bool PortRule::LoadPort(const ConfigNode& node) {
  if (!node.Read(0, 65535, &first_)) return false;
  last_ = first_;
  return true;
}

bool PortRule::LoadRange(const ConfigNode& node) {
  if (!node.ExpectMap("destination_port_range")) return false;
  const ConfigNode start = node.Get("start");
  const ConfigNode end = node.Get("end");
  if (!start || !end) return node.Fail("a range of ports needs start and end");
  // As in Envoy, the end is outside of the range.
  if (!start.Read(0, 65535, &first_) || !end.Read(1, 65536, &last_)) return false;
  --last_;
  return first_ <= last_ || node.Fail("the range is empty: its end is outside of it");
}

bool PortRule::Matches(const Subject& subject) const {
  const util::IpPort* const local = subject.address(Address::kLocal);
  return local != nullptr && local->port >= first_ && local->port <= last_;
}

bool AuthenticatedRule::Load(const ConfigNode& node) {
  if (node.IsNull()) return true;
  if (!node.ExpectMap("authenticated")) return false;
  const ConfigNode name = node.Get("principal_name");
  any_ = !name;
  return any_ || name_.Load(name);
}

bool AuthenticatedRule::OneOf(std::string_view names) const {
  // A name with a comma in it is not in the list: the host leaves it out.
  while (!names.empty()) {
    const std::size_t comma = names.find(',');
    if (name_.Matches(names.substr(0, comma))) return true;
    if (comma == std::string_view::npos) break;
    names.remove_prefix(comma + 1);
  }
  return false;
}

bool AuthenticatedRule::Matches(const Subject& subject) const {
  if (!subject.Verified()) return false;
  return any_ || OneOf(subject.Attribute(WEIR_ATTR_PEER_URI_SAN)) ||
         OneOf(subject.Attribute(WEIR_ATTR_PEER_DNS_SAN)) ||
         name_.Matches(subject.Attribute(WEIR_ATTR_PEER_SUBJECT));
}

bool MetadataRule::LoadKey(const ConfigNode& path) {
  if (!path.ExpectList("path")) return false;
  if (path.size() != 1) return path.Fail("path must have one key: values have no parts");
  const ConfigNode segment = path.At(0);
  if (!segment.ExpectMap("an entry of path")) return false;
  const ConfigNode key = segment.Get("key");
  return key ? key.Read(&key_) : segment.Fail("an entry of path needs key");
}

bool MetadataRule::LoadValue(const ConfigNode& value) {
  if (!value.ExpectMap("value")) return false;
  bool ok = true;
  for (const char* key : {"null_match", "double_match", "list_match", "or_match"}) {
    ok = value.Refuse(key, "is not available: values are strings") && ok;
  }
  const ConfigNode text = value.Get("string_match");
  const ConfigNode present = value.Get("present_match");
  const ConfigNode boolean = value.Get("bool_match");
  if ((text ? 1 : 0) + (present ? 1 : 0) + (boolean ? 1 : 0) != 1) {
    return ok && value.Fail("value has exactly one of string_match, present_match, bool_match");
  }
  if (text) return value_.Load(text) && ok;
  if (present) {
    by_presence_ = true;
    return present.Read(&present_) && ok;
  }
  bool wanted = false;
  if (!boolean.Read(&wanted)) return false;
  value_ = StringMatcher(StringMatcher::Kind::kExact, wanted ? "true" : "false");
  return ok;
}

bool MetadataRule::Load(const ConfigNode& node) {
  if (!node.ExpectMap("metadata")) return false;
  const ConfigNode space = node.Get("filter");
  const ConfigNode path = node.Get("path");
  const ConfigNode value = node.Get("value");
  if (!space || !path || !value) return node.Fail("metadata needs filter, path and value");
  bool ok = space.Read(&space_);
  ok = LoadKey(path) && ok;
  ok = LoadValue(value) && ok;
  if (const ConfigNode invert = node.Get("invert")) ok = invert.Read(&invert_) && ok;
  return ok;
}

bool MetadataRule::Matches(const Subject& subject) const {
  const auto value = subject.Metadata(space_, key_);
  const bool same = by_presence_ ? value.has_value() == present_ : value && value_.Matches(*value);
  return same != invert_;
}

}  // namespace weir::filters::rbac
