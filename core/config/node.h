#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::config {

// A place in the configuration text. Lines and columns count from 1; line 0 means "no place known".
struct Mark {
  int line = 0;
  int column = 0;

  friend bool operator==(const Mark&, const Mark&) = default;
};

// One value of the configuration: null, scalar, sequence or map, with its place. The tree is Weir's
// own, so nothing outside one .cc sees yaml-cpp. It is immutable once loaded; a parent owns its
// children through shared pointers, so that a part (a plugin's typed_config) can outlive the rest.
//
// What was read is tracked: Find and At mark an entry, and an entry nobody asked for is a mistake
// of the user (UnreadKeys). The tracking is the only mutable part and belongs to the thread that
// loads.
class Node {
 public:
  enum class Kind { kNull, kScalar, kSequence, kMap };

  struct Entry {
    std::string key;  // empty in a sequence
    Mark key_mark;    // the key's own place; in a sequence, the value's
    std::shared_ptr<const Node> value;
    mutable bool read = false;
  };

  // A key that nobody read, as its full path below the node that was asked ("a.b[2].c").
  struct Unread {
    std::string path;
    std::string key;
    Mark mark;
  };

  static std::shared_ptr<Node> Null(Mark mark);
  static std::shared_ptr<Node> Scalar(std::string text, bool quoted, Mark mark);
  static std::shared_ptr<Node> Sequence(Mark mark);
  static std::shared_ptr<Node> Map(Mark mark);

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_scalar() const { return kind_ == Kind::kScalar; }
  bool is_sequence() const { return kind_ == Kind::kSequence; }
  bool is_map() const { return kind_ == Kind::kMap; }
  Mark mark() const { return mark_; }
  // "a mapping", "an empty list", "a value", "nothing" …: for messages.
  const char* KindName() const;

  // The text of a scalar after expansion of ${...}; empty for the other kinds.
  const std::string& text() const { return text_; }
  // True when the scalar was written in quotes or as a block: it is then never null, a bool or a
  // number.
  bool quoted() const { return quoted_; }

  // Children of a map or sequence, in file order. Does not mark anything as read.
  std::size_t size() const { return entries_.size(); }
  const std::vector<Entry>& entries() const { return entries_; }

  // The value of a key of a map, marking the key as read; null pointer when absent or when this is
  // no map.
  const Node* Find(std::string_view key) const;
  std::shared_ptr<const Node> FindShared(std::string_view key) const;
  // The i-th child of a sequence or map, marking it as read; null pointer beyond the end.
  const Node* At(std::size_t index) const;
  // The key and its place of the i-th entry of a map; does not mark it as read.
  std::string_view KeyAt(std::size_t index) const;
  Mark KeyMarkAt(std::size_t index) const;

  // The scalar as a value of the type, or nothing when it is none. Quotes make no difference, so
  // that "${PORT}" may be quoted. Numbers are decimal or 0x hexadecimal; bytes take a suffix KiB,
  // MiB, GiB or kB, MB, GB.
  std::optional<std::string_view> AsString() const;
  std::optional<std::int64_t> AsInt() const;
  std::optional<double> AsDouble() const;
  std::optional<bool> AsBool() const;
  // "1.5s", "1500ms", "5m", "1h", "100us"; a bare "0" is zero. Exact: finer than a nanosecond is no
  // duration.
  std::optional<std::chrono::nanoseconds> AsDuration() const;
  std::optional<std::uint64_t> AsBytes() const;

  // Marks the whole subtree as read: for a reader that takes it as it is.
  void MarkRead() const;
  // Every key below this node that was not read; below an unread key nothing more is listed.
  std::vector<Unread> UnreadKeys() const;

  // The number of nodes in the subtree, this one included.
  std::size_t CountNodes() const;

  // For the builder of a tree only: adds an entry to a map or an element to a sequence.
  void Add(std::string key, Mark key_mark, std::shared_ptr<const Node> value);

  Node(Kind kind, std::string text, bool quoted, Mark mark)
      : kind_(kind), quoted_(quoted), mark_(mark), text_(std::move(text)) {}

 private:
  const Entry* FindEntry(std::string_view key) const;
  void CollectUnread(const std::string& prefix, std::vector<Unread>* out) const;

  Kind kind_;
  bool quoted_;
  Mark mark_;
  std::string text_;
  std::vector<Entry> entries_;
};

// The scalars' grammars on their own, for command lines and tests.
std::optional<std::chrono::nanoseconds> ParseDuration(std::string_view text);
std::optional<std::uint64_t> ParseBytes(std::string_view text);

}  // namespace weir::config
