#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/config/context.h"
#include "core/config/node.h"

// The keys of each struct are a table: reading, checking, `--expand` and the reference page all
// come from its rows.

namespace weir::config {

// What the reference page says of a key.
struct KeyText {
  std::string name;
  std::string type;
  std::string range;
  std::string doc;
  bool required = false;
  bool shorthand = false;  // read but never printed: it stands for other keys
  std::string missing;     // the feature that Weir lacks; empty for keys that work
  bool limit = false;      // listed among the limits and timeouts
  std::string counter;     // what counts its effect: "http.*.downstream_rq_timeout"
};

template <class S>
struct Key {
  KeyText text;
  std::function<void(Context&, const Field&, S*)> read;
  // The value as the long form writes it; null, or no function: nothing is written.
  std::function<std::shared_ptr<const Node>(const S&)> print;
  // The rows of a group: a map whose keys set members of the same struct.
  std::vector<Key<S>> group;

  Key&& Required() && {
    text.required = true;
    return std::move(*this);
  }
  // A limit or timeout, and the counter of its effect; empty where there is none to count.
  Key&& Limit(const char* counter) && {
    text.limit = true;
    text.counter = counter;
    return std::move(*this);
  }
  Key&& Shorthand() && {
    text.shorthand = true;
    print = nullptr;
    return std::move(*this);
  }
};

template <class S>
using Keys = std::vector<Key<S>>;

// --- reading scalars; each reports what it expected and leaves *out alone when the value is none
// ---

void ReadBool(Context& c, const Field& field, bool* out);
void ReadInt(Context& c, const Field& field, std::uint32_t min, std::uint32_t max,
             std::uint32_t* out);
void ReadBytes(Context& c, const Field& field, std::uint64_t min, std::uint64_t max,
               std::uint64_t* out);
void ReadDuration(Context& c, const Field& field, Milliseconds min, Milliseconds max,
                  Milliseconds* out);
// Rejects control characters: the texts end up in fields and logs.
void ReadText(Context& c, const Field& field, std::string* out);
// A text of visible ASCII without any of the `forbidden` characters: it becomes part of a request
// line or a field.
void ReadVisible(Context& c, const Field& field, std::string_view forbidden,
                 std::string_view expected, std::string* out);
// What may stand in an authority: a host, with a port or without.
void ReadHost(Context& c, const Field& field, std::string* out);
// A path that begins with '/'; empty stays empty.
void ReadRewrite(Context& c, const Field& field, std::string_view forbidden, std::string* out);
// The name of a plugin: letters, digits, '_', '-' and '.', so that it names one file and no folder.
void ReadPluginName(Context& c, const Field& field, std::string* out);
bool IsPluginName(std::string_view name);
// An error naming the feature, unless the value is `harmless` or an empty list.
void ReadMissing(Context& c, const Field& field, std::string_view feature,
                 std::string_view harmless);
// The index of the value in `names`, or -1 after an error; the names of `missing` are features that
// Weir lacks.
int ReadEnum(Context& c, const Field& field, const std::vector<std::string_view>& names,
             const std::vector<std::string_view>& missing);

// --- printing scalars ---

std::shared_ptr<const Node> PrintBool(bool value);
std::shared_ptr<const Node> PrintInt(std::uint64_t value);
std::shared_ptr<const Node> PrintDuration(Milliseconds value);
std::shared_ptr<const Node> PrintText(const std::string& value);
// A map of the entries whose value is not null.
std::shared_ptr<Node> PrintMap(
    std::initializer_list<std::pair<const char*, std::shared_ptr<const Node>>> entries);

std::string RangeText(std::uint64_t min, std::uint64_t max);
std::string DurationText(Milliseconds value);
std::string JoinNames(const std::vector<std::string_view>& names);  // "A, B or C"

// --- structure ---

// False after an error when the value is no map.
bool ExpectMap(Context& c, const Field& field);
bool ExpectList(Context& c, const Field& field);
Field EntryField(const Node::Entry& entry);
// Elements are named "key[0]" in messages; `names` keeps the texts alive.
std::vector<Field> Elements(const Field& list, std::vector<std::string>* names);
// Reports when more than one of the keys is there, or none of them when one is needed. Returns the
// first that is.
std::string_view CheckOneOf(Context& c, const Field& field,
                            const std::vector<std::string_view>& keys, bool needed);
// Returns the known key that was probably meant, or an empty text.
std::string AddUnknownKey(Context& c, const Node::Entry& entry, std::string_view owner,
                          const std::vector<std::string_view>& known);
bool HasKey(const Node& node, std::string_view key);

// Reads a map by its table. Unknown keys, and required ones that are absent, are errors.
template <class S>
void ReadMap(Context& c, const Field& field, const Keys<S>& keys, S* out) {
  if (!ExpectMap(c, field)) return;
  std::vector<std::string> meant;
  for (const Node::Entry& entry : field.node().entries()) {
    entry.read = true;
    const Key<S>* found = nullptr;
    for (const Key<S>& key : keys) {
      if (key.text.name == entry.key) found = &key;
    }
    if (found != nullptr) {
      found->read(c, EntryField(entry), out);
      continue;
    }
    std::vector<std::string_view> known;
    for (const Key<S>& key : keys) {
      if (key.text.missing.empty()) known.push_back(key.text.name);
    }
    meant.push_back(AddUnknownKey(c, entry, field.key, known));
  }
  for (const Key<S>& key : keys) {
    const bool misspelt = std::find(meant.begin(), meant.end(), key.text.name) != meant.end();
    if (key.text.required && !misspelt && !HasKey(field.node(), key.text.name)) {
      c.Add(field.key_mark, std::string(field.key) + " has no " + key.text.name,
            key.text.name + " (" + key.text.type + ")");
    }
  }
}

// The long form of a struct; rows that print nothing are left out.
template <class S>
std::shared_ptr<Node> PrintKeys(const Keys<S>& keys, const S& value) {
  auto map = Node::Map({});
  for (const Key<S>& key : keys) {
    if (key.print == nullptr) continue;
    if (auto node = key.print(value)) map->Add(key.text.name, {}, std::move(node));
  }
  return map;
}

// --- rows ---

template <class S>
Key<S> BoolKey(const char* name, bool S::*member, const char* doc) {
  Key<S> key;
  key.text = {name, "boolean", "", doc, false, false, "", false, ""};
  key.read = [member](Context& c, const Field& f, S* s) { ReadBool(c, f, &(s->*member)); };
  key.print = [member](const S& s) { return PrintBool(s.*member); };
  return key;
}

template <class S>
Key<S> IntKey(const char* name, std::uint32_t S::*member, std::uint32_t min, std::uint32_t max,
              const char* doc) {
  Key<S> key;
  key.text = {name, "integer", RangeText(min, max), doc, false, false, "", false, ""};
  key.read = [=](Context& c, const Field& f, S* s) { ReadInt(c, f, min, max, &(s->*member)); };
  key.print = [member](const S& s) { return PrintInt(s.*member); };
  return key;
}

// Bytes: a plain number in Envoy's files, or with a suffix. T is a 32- or 64-bit count.
template <class S, class T>
Key<S> BytesKey(const char* name, T S::*member, std::uint64_t min, std::uint64_t max,
                const char* doc) {
  Key<S> key;
  key.text = {name, "bytes", RangeText(min, max), doc, false, false, "", false, ""};
  key.read = [=](Context& c, const Field& f, S* s) {
    std::uint64_t value = s->*member;
    ReadBytes(c, f, min, max, &value);
    s->*member = static_cast<T>(value);
  };
  key.print = [member](const S& s) { return PrintInt(s.*member); };
  return key;
}

template <class S>
Key<S> OptionalBytesKey(const char* name, std::optional<std::uint64_t> S::*member,
                        const char* doc) {
  Key<S> key;
  key.text = {name, "bytes", "", doc, false, false, "", false, ""};
  key.read = [member](Context& c, const Field& f, S* s) {
    std::uint64_t value = 0;
    ReadBytes(c, f, 0, UINT64_MAX, &value);
    s->*member = value;
  };
  key.print = [member](const S& s) {
    return (s.*member).has_value() ? PrintInt(*(s.*member)) : nullptr;
  };
  return key;
}

// The longest time that any key takes: a year.
constexpr Milliseconds kMaxDuration{365LL * 24 * 3600 * 1000};

template <class S>
Key<S> DurationKey(const char* name, Milliseconds S::*member, const char* doc,
                   Milliseconds min = Milliseconds(0), Milliseconds max = kMaxDuration) {
  Key<S> key;
  const std::string range = min.count() == 0 && max == kMaxDuration
                                ? "0s: none"
                                : DurationText(min) + " … " + DurationText(max);
  key.text = {name, "duration", range, doc, false, false, "", false, ""};
  key.read = [=](Context& c, const Field& f, S* s) { ReadDuration(c, f, min, max, &(s->*member)); };
  key.print = [member](const S& s) { return PrintDuration(s.*member); };
  return key;
}

template <class S>
Key<S> OptionalDurationKey(const char* name, std::optional<Milliseconds> S::*member,
                           const char* doc) {
  Key<S> key;
  key.text = {name, "duration", "0s: none", doc, false, false, "", false, ""};
  key.read = [member](Context& c, const Field& f, S* s) {
    Milliseconds value{0};
    ReadDuration(c, f, Milliseconds(0), kMaxDuration, &value);
    s->*member = value;
  };
  key.print = [member](const S& s) {
    return (s.*member).has_value() ? PrintDuration(*(s.*member)) : nullptr;
  };
  return key;
}

template <class S>
Key<S> TextKey(const char* name, std::string S::*member, const char* doc) {
  Key<S> key;
  key.text = {name, "string", "", doc, false, false, "", false, ""};
  key.read = [member](Context& c, const Field& f, S* s) { ReadText(c, f, &(s->*member)); };
  key.print = [member](const S& s) -> std::shared_ptr<const Node> {
    // An empty text is written only where leaving it out would mean another one.
    return (s.*member).empty() && (S{}.*member).empty() ? nullptr : PrintText(s.*member);
  };
  return key;
}

template <class S, class E>
Key<S> EnumKey(const char* name, E S::*member, std::vector<std::pair<std::string_view, E>> values,
               const std::vector<std::string_view>& missing, const char* doc) {
  std::vector<std::string_view> names;
  for (const auto& value : values) names.push_back(value.first);
  Key<S> key;
  key.text = {name, JoinNames(names), "", doc, false, false, "", false, ""};
  key.read = [=](Context& c, const Field& f, S* s) {
    const int index = ReadEnum(c, f, names, missing);
    if (index >= 0) s->*member = values[static_cast<std::size_t>(index)].second;
  };
  key.print = [=](const S& s) -> std::shared_ptr<const Node> {
    for (const auto& value : values) {
      if (value.second == s.*member) return PrintText(std::string(value.first));
    }
    return nullptr;
  };
  return key;
}

template <class S>
Key<S> CustomKey(const char* name, const char* type,
                 std::function<void(Context&, const Field&, S*)> read,
                 std::function<std::shared_ptr<const Node>(const S&)> print, const char* doc) {
  Key<S> key;
  key.text = {name, type, "", doc, false, false, "", false, ""};
  key.read = std::move(read);
  key.print = std::move(print);
  return key;
}

// A map whose keys set members of the same struct.
template <class S>
Key<S> GroupKey(const char* name, Keys<S> rows, const char* doc) {
  Key<S> key;
  key.text = {name, "mapping", "", doc, false, false, "", false, ""};
  key.group = rows;
  key.read = [rows](Context& c, const Field& f, S* s) { ReadMap(c, f, rows, s); };
  key.print = [rows](const S& s) -> std::shared_ptr<const Node> {
    auto node = PrintKeys(rows, s);
    return node->size() == 0 ? nullptr : node;
  };
  return key;
}

// A key that Envoy has and Weir has not: an error naming the feature, unless its value is the
// harmless one.
template <class S>
Key<S> MissingKey(const char* name, const char* feature, const char* harmless = "") {
  Key<S> key;
  key.text = {name, "", "", "", false, false, feature, false, ""};
  const std::string what = feature;
  const std::string fine = harmless;
  key.read = [what, fine](Context& c, const Field& f, S*) { ReadMissing(c, f, what, fine); };
  return key;
}

// A key that only describes, so that leaving it unused changes nothing.
template <class S>
Key<S> DescriptiveKey(const char* name, const char* doc) {
  Key<S> key;
  key.text = {name, "any", "", doc, false, true, "", false, ""};
  key.read = [](Context&, const Field& f, S*) { f.node().MarkRead(); };
  return key;
}

}  // namespace weir::config
