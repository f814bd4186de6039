#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/node.h"

namespace weir::config {

// One mistake in a configuration.
struct Diagnostic {
  Mark mark;
  // What is wrong, with the offending text quoted: `"prot_value" is no key of socket_address`.
  std::string message;
  // What would be right; empty when the message says it all.
  std::string expected;
  // The nearest known name ("did you mean ..."); empty when none is near.
  std::string nearest;
};

// Collects every mistake of one configuration, so that all are shown at once, in file order. Holds
// a copy of the source text to show the line with a caret. Used while loading, by one thread;
// whoever configures plugins later adds to the same object.
class Diagnostics {
 public:
  // At most this many mistakes are kept; one line at the end counts the rest.
  static constexpr std::size_t kMaxKept = 100;

  Diagnostics() = default;
  Diagnostics(std::string file_name, std::string source);

  void Add(Mark mark, std::string message, std::string expected = "", std::string nearest = "");
  // "expected WHAT, found TEXT" at the node's place.
  void AddExpected(const Node& node, std::string_view key, std::string_view expected);
  // Adds an error for each key below the node that nobody read. `where` names the owner ("http
  // filter foo").
  void AddUnread(const Node& node, std::string_view where);

  bool ok() const { return count_ == 0; }
  std::size_t count() const { return count_; }
  // In file order.
  std::vector<Diagnostic> Sorted() const;
  const std::string& file_name() const { return file_name_; }

  // "file:line:column: message; expected ..., did you mean ...?" and below it the source line and a
  // caret, for each mistake in file order. Ends with a newline unless there is nothing to say.
  std::string Print() const;

 private:
  std::string SourceLine(int line) const;

  std::string file_name_;
  std::string source_;
  std::vector<Diagnostic> items_;
  std::size_t count_ = 0;
};

// The candidate nearest to `name` by edit distance (transpositions count one), or empty when none
// is within a third of its length. Ties go to the first.
std::string NearestName(std::string_view name, const std::vector<std::string_view>& candidates);

// `"text"`, shortened and with control characters escaped, for messages.
std::string Quote(std::string_view text);

}  // namespace weir::config
