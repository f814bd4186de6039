#include "core/config/node.h"

#include <charconv>
#include <limits>
#include <utility>

namespace weir::config {
namespace {

struct Unit {
  std::string_view suffix;
  std::uint64_t factor;
};

// Digits and an optional fraction at the front of the text; the rest is the unit.
struct Quantity {
  std::uint64_t whole = 0;
  std::string_view fraction;
  std::string_view unit;
};

std::optional<Quantity> SplitQuantity(std::string_view text) {
  Quantity q;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, q.whole);
  if (error != std::errc() || rest == text.data()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  if (!text.empty() && text[0] == '.') {
    std::size_t digits = 1;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
    if (digits == 1) return std::nullopt;
    q.fraction = text.substr(1, digits - 1);
    text.remove_prefix(digits);
  }
  q.unit = text;
  return q;
}

// whole.fraction * factor, or nothing when it is not a whole number of the base unit or does not
// fit.
std::optional<std::uint64_t> Scale(const Quantity& q, std::uint64_t factor, std::uint64_t max) {
  if (q.whole > max / factor) return std::nullopt;
  std::uint64_t value = q.whole * factor;
  std::uint64_t place = factor;
  for (const char c : q.fraction) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (place % 10 != 0 && digit != 0) return std::nullopt;
    place /= 10;
    if (value > max - digit * place) return std::nullopt;
    value += digit * place;
  }
  return value;
}

}  // namespace

std::optional<std::chrono::nanoseconds> ParseDuration(std::string_view text) {
  static constexpr Unit kUnits[] = {{"ns", 1},
                                    {"us", 1'000},
                                    {"ms", 1'000'000},
                                    {"s", 1'000'000'000},
                                    {"m", 60'000'000'000},
                                    {"h", 3'600'000'000'000}};
  const auto q = SplitQuantity(text);
  if (!q) return std::nullopt;
  if (text == "0") return std::chrono::nanoseconds(0);
  for (const Unit& unit : kUnits) {
    if (q->unit != unit.suffix) continue;
    const auto ns = Scale(*q, unit.factor,
                          static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
    if (!ns) return std::nullopt;
    return std::chrono::nanoseconds(static_cast<std::int64_t>(*ns));
  }
  return std::nullopt;
}

std::optional<std::uint64_t> ParseBytes(std::string_view text) {
  static constexpr Unit kUnits[] = {
      {"", 1},       {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20},  {"GiB", 1ULL << 30},
      {"kB", 1'000}, {"MB", 1'000'000},   {"GB", 1'000'000'000}};
  const auto q = SplitQuantity(text);
  if (!q || !q->fraction.empty()) return std::nullopt;
  for (const Unit& unit : kUnits) {
    if (q->unit == unit.suffix) {
      return Scale(*q, unit.factor, std::numeric_limits<std::uint64_t>::max());
    }
  }
  return std::nullopt;
}

std::shared_ptr<Node> Node::Null(Mark mark) {
  return std::make_shared<Node>(Kind::kNull, "", false, mark);
}

std::shared_ptr<Node> Node::Scalar(std::string text, bool quoted, Mark mark) {
  return std::make_shared<Node>(Kind::kScalar, std::move(text), quoted, mark);
}

std::shared_ptr<Node> Node::Sequence(Mark mark) {
  return std::make_shared<Node>(Kind::kSequence, "", false, mark);
}

std::shared_ptr<Node> Node::Map(Mark mark) {
  return std::make_shared<Node>(Kind::kMap, "", false, mark);
}

const char* Node::KindName() const {
  switch (kind_) {
    case Kind::kNull:
      return "nothing";
    case Kind::kScalar:
      return "a value";
    case Kind::kSequence:
      return entries_.empty() ? "an empty list" : "a list";
    case Kind::kMap:
      return entries_.empty() ? "an empty mapping" : "a mapping";
  }
  return "";
}

const Node::Entry* Node::FindEntry(std::string_view key) const {
  if (kind_ != Kind::kMap) return nullptr;
  for (const Entry& entry : entries_) {
    if (entry.key == key) {
      entry.read = true;
      return &entry;
    }
  }
  return nullptr;
}

const Node* Node::Find(std::string_view key) const {
  const Entry* entry = FindEntry(key);
  return entry == nullptr ? nullptr : entry->value.get();
}

std::shared_ptr<const Node> Node::FindShared(std::string_view key) const {
  const Entry* entry = FindEntry(key);
  return entry == nullptr ? nullptr : entry->value;
}

const Node* Node::At(std::size_t index) const {
  if (index >= entries_.size()) return nullptr;
  entries_[index].read = true;
  return entries_[index].value.get();
}

std::string_view Node::KeyAt(std::size_t index) const {
  return index < entries_.size() ? std::string_view(entries_[index].key) : std::string_view();
}

Mark Node::KeyMarkAt(std::size_t index) const {
  return index < entries_.size() ? entries_[index].key_mark : Mark{};
}

std::optional<std::string_view> Node::AsString() const {
  if (kind_ != Kind::kScalar) return std::nullopt;
  return text_;
}

std::optional<std::int64_t> Node::AsInt() const {
  if (kind_ != Kind::kScalar) return std::nullopt;
  std::string_view digits = text_;
  int base = 10;
  if (digits.substr(0, 2) == "0x") {
    digits.remove_prefix(2);
    if (!digits.empty() && digits[0] == '-') return std::nullopt;
    base = 16;
  }
  std::int64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, value, base);
  if (error != std::errc() || rest != end) return std::nullopt;
  return value;
}

std::optional<double> Node::AsDouble() const {
  if (kind_ != Kind::kScalar || text_.empty()) return std::nullopt;
  double value = 0;
  const char* end = text_.data() + text_.size();
  const auto [rest, error] = std::from_chars(text_.data(), end, value);
  if (error != std::errc() || rest != end) return std::nullopt;
  // from_chars reads "inf" and "nan" too; no key means them.
  const bool finite =
      value <= std::numeric_limits<double>::max() && value >= std::numeric_limits<double>::lowest();
  return finite ? std::optional<double>(value) : std::nullopt;
}

std::optional<bool> Node::AsBool() const {
  if (kind_ != Kind::kScalar) return std::nullopt;
  if (text_ == "true") return true;
  if (text_ == "false") return false;
  return std::nullopt;
}

std::optional<std::chrono::nanoseconds> Node::AsDuration() const {
  if (kind_ != Kind::kScalar) return std::nullopt;
  return ParseDuration(text_);
}

std::optional<std::uint64_t> Node::AsBytes() const {
  if (kind_ != Kind::kScalar) return std::nullopt;
  return ParseBytes(text_);
}

void Node::MarkRead() const {
  for (const Entry& entry : entries_) {
    entry.read = true;
    entry.value->MarkRead();
  }
}

std::vector<Node::Unread> Node::UnreadKeys() const {
  std::vector<Unread> unread;
  CollectUnread("", &unread);
  return unread;
}

void Node::CollectUnread(const std::string& prefix, std::vector<Unread>* out) const {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Entry& entry = entries_[i];
    std::string path = prefix;
    if (kind_ == Kind::kSequence) {
      path += "[" + std::to_string(i) + "]";
    } else {
      path += (prefix.empty() ? "" : ".") + entry.key;
    }
    if (!entry.read) {
      out->push_back({path, entry.key, entry.key_mark});
    } else {
      entry.value->CollectUnread(path, out);
    }
  }
}

std::size_t Node::CountNodes() const {
  std::size_t count = 1;
  for (const Entry& entry : entries_) count += entry.value->CountNodes();
  return count;
}

void Node::Add(std::string key, Mark key_mark, std::shared_ptr<const Node> value) {
  entries_.push_back({std::move(key), key_mark, std::move(value), false});
}

}  // namespace weir::config
