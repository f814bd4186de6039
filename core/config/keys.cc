#include "core/config/keys.h"

#include <limits>

namespace weir::config {
namespace {

std::string MissingFeature(const std::string& what, std::string_view feature) {
  return what + " asks for a feature that Weir does not have: " + std::string(feature);
}

}  // namespace

void ReadBool(Context& c, const Field& field, bool* out) {
  const auto value = field.node().AsBool();
  if (!value) return c.AddExpected(field, "true or false");
  *out = *value;
}

void ReadInt(Context& c, const Field& field, std::uint32_t min, std::uint32_t max,
             std::uint32_t* out) {
  const auto value = field.node().AsInt();
  if (!value || *value < min || *value > max) {
    const std::string range = RangeText(min, max);
    return c.AddExpected(field, "an integer" + (range.empty() ? "" : ", " + range));
  }
  *out = static_cast<std::uint32_t>(*value);
}

void ReadBytes(Context& c, const Field& field, std::uint64_t min, std::uint64_t max,
               std::uint64_t* out) {
  const auto value = field.node().AsBytes();
  if (!value || *value < min || *value > max) {
    const std::string range = RangeText(min, max);
    return c.AddExpected(
        field, "a number of bytes such as 65536 or 64KiB" + (range.empty() ? "" : ", " + range));
  }
  *out = *value;
}

void ReadDuration(Context& c, const Field& field, Milliseconds min, Milliseconds max,
                  Milliseconds* out) {
  const auto value = field.node().AsDuration();
  if (!value) return c.AddExpected(field, "a duration such as 1.5s, 1500ms, 5m or 1h");
  if (*value % Milliseconds(1) != std::chrono::nanoseconds(0)) {
    return c.AddExpected(field, "a whole number of milliseconds");
  }
  const auto rounded = std::chrono::duration_cast<Milliseconds>(*value);
  if (rounded < min || rounded > max) {
    return c.AddExpected(field,
                         "a duration from " + DurationText(min) + " to " + DurationText(max));
  }
  *out = rounded;
}

void ReadText(Context& c, const Field& field, std::string* out) {
  const auto value = field.node().AsString();
  if (!value) return c.AddExpected(field, "a string");
  for (const char ch : *value) {
    const auto byte = static_cast<unsigned char>(ch);
    if (byte < 0x20 || byte == 0x7f) {
      return c.AddExpected(field, "a string without control characters");
    }
  }
  *out = std::string(*value);
}

void ReadVisible(Context& c, const Field& field, std::string_view forbidden,
                 std::string_view expected, std::string* out) {
  const auto value = field.node().AsString();
  if (!value) return c.AddExpected(field, expected);
  for (const char ch : *value) {
    if (ch <= 0x20 || ch >= 0x7f || forbidden.find(ch) != std::string_view::npos) {
      return c.AddExpected(field, expected);
    }
  }
  *out = std::string(*value);
}

void ReadHost(Context& c, const Field& field, std::string* out) {
  ReadVisible(c, field, "/\\?#@<>\"'{}|^`,;", "a host, with a port or without", out);
}

void ReadRewrite(Context& c, const Field& field, std::string_view forbidden, std::string* out) {
  const std::size_t before = c.diagnostics().count();
  ReadVisible(c, field, forbidden, "a path of visible ASCII that begins with /", out);
  if (c.diagnostics().count() == before && !out->empty() && out->front() != '/') {
    c.AddExpected(field, "a path that begins with /");
  }
}

bool IsPluginName(std::string_view name) {
  if (name.empty() || name.size() > 100 || name[0] == '.') return false;
  for (const char ch : name) {
    const bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
    const bool digit = ch >= '0' && ch <= '9';
    if (!letter && !digit && ch != '_' && ch != '-' && ch != '.') return false;
  }
  return true;
}

void ReadPluginName(Context& c, const Field& field, std::string* out) {
  const auto value = field.node().AsString();
  if (!value || !IsPluginName(*value)) {
    return c.AddExpected(field, "a plugin's name: letters, digits, _, - and .");
  }
  *out = std::string(*value);
}

void ReadMissing(Context& c, const Field& field, std::string_view feature,
                 std::string_view harmless) {
  const Node& node = field.node();
  if (node.is_scalar() && !harmless.empty() && node.text() == harmless) return;
  if (node.is_sequence() && node.size() == 0) return;
  node.MarkRead();
  c.Add(field.key_mark, MissingFeature(Quote(field.key), feature),
        harmless.empty() ? "" : std::string(harmless) + " or nothing");
}

int ReadEnum(Context& c, const Field& field, const std::vector<std::string_view>& names,
             const std::vector<std::string_view>& missing) {
  const auto value = field.node().AsString();
  if (!value) {
    c.AddExpected(field, JoinNames(names));
    return -1;
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (*value == names[i]) return static_cast<int>(i);
  }
  for (const std::string_view name : missing) {
    if (*value != name) continue;
    c.Add(field.node().mark(),
          MissingFeature(std::string(field.key) + " " + Quote(*value), std::string(name)),
          JoinNames(names));
    return -1;
  }
  c.Add(field.node().mark(), std::string(field.key) + " is " + Quote(*value), JoinNames(names),
        NearestName(*value, names));
  return -1;
}

std::shared_ptr<const Node> PrintBool(bool value) {
  return Node::Scalar(value ? "true" : "false", false, {});
}

std::shared_ptr<const Node> PrintInt(std::uint64_t value) {
  return Node::Scalar(std::to_string(value), false, {});
}

std::shared_ptr<const Node> PrintDuration(Milliseconds value) {
  return Node::Scalar(DurationText(value), false, {});
}

std::shared_ptr<const Node> PrintText(const std::string& value) {
  return Node::Scalar(value, true, {});
}

std::shared_ptr<Node> PrintMap(
    std::initializer_list<std::pair<const char*, std::shared_ptr<const Node>>> entries) {
  auto map = Node::Map({});
  for (const auto& [name, node] : entries) {
    if (node != nullptr) map->Add(name, {}, node);
  }
  return map;
}

std::string RangeText(std::uint64_t min, std::uint64_t max) {
  const bool no_max = max == std::numeric_limits<std::uint32_t>::max() ||
                      max == std::numeric_limits<std::uint64_t>::max();
  if (min == 0 && no_max) return "";
  if (no_max) return "at least " + std::to_string(min);
  return std::to_string(min) + " … " + std::to_string(max);
}

// Seconds, as Envoy writes durations.
std::string DurationText(Milliseconds value) {
  std::string text = std::to_string(value.count() / 1000);
  if (const auto rest = value.count() % 1000; rest != 0) {
    std::string digits = std::to_string(1000 + rest).substr(1);
    while (digits.back() == '0') digits.pop_back();
    text += "." + digits;
  }
  return text + "s";
}

std::string JoinNames(const std::vector<std::string_view>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? " or " : ", ";
    out += names[i];
  }
  return out;
}

bool ExpectMap(Context& c, const Field& field) {
  if (field.node().is_map()) return true;
  c.AddExpected(field, "a mapping");
  return false;
}

bool ExpectList(Context& c, const Field& field) {
  if (field.node().is_sequence()) return true;
  c.AddExpected(field, "a list");
  return false;
}

Field EntryField(const Node::Entry& entry) {
  return {entry.key, entry.key_mark, entry.value};
}

std::vector<Field> Elements(const Field& list, std::vector<std::string>* names) {
  std::vector<Field> fields;
  const auto& entries = list.node().entries();
  names->reserve(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    entries[i].read = true;
    names->push_back(std::string(list.key) + "[" + std::to_string(i) + "]");
    fields.push_back({names->back(), entries[i].key_mark, entries[i].value});
  }
  return fields;
}

std::string_view CheckOneOf(Context& c, const Field& field,
                            const std::vector<std::string_view>& keys, bool needed) {
  std::string_view first;
  if (!field.node().is_map()) return first;
  for (const Node::Entry& entry : field.node().entries()) {
    for (const std::string_view key : keys) {
      if (entry.key != key) continue;
      if (first.empty()) {
        first = key;
      } else {
        c.Add(entry.key_mark, Quote(key) + " cannot stand beside " + Quote(first),
              "only one of " + JoinNames(keys));
      }
    }
  }
  if (first.empty() && needed) {
    c.Add(field.key_mark, std::string(field.key) + " is incomplete", JoinNames(keys));
  }
  return first;
}

std::string AddUnknownKey(Context& c, const Node::Entry& entry, std::string_view owner,
                          const std::vector<std::string_view>& known) {
  static constexpr std::size_t kMaxListed = 12;
  entry.value->MarkRead();
  std::string nearest = NearestName(entry.key, known);
  std::string expected;
  if (nearest.empty() && known.size() <= kMaxListed) expected = JoinNames(known);
  c.Add(entry.key_mark, Quote(entry.key) + " is no key of " + std::string(owner), expected,
        nearest);
  return nearest;
}

bool HasKey(const Node& node, std::string_view key) {
  for (const Node::Entry& entry : node.entries()) {
    if (entry.key == key) return true;
  }
  return false;
}

}  // namespace weir::config
