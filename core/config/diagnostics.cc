#include "core/config/diagnostics.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace weir::config {
namespace {

// Edit distance with transpositions (optimal string alignment). Config names are short, so the full
// table is cheap.
std::size_t EditDistance(std::string_view a, std::string_view b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> table((a.size() + 1) * width);
  const auto at = [&](std::size_t i, std::size_t j) -> std::size_t& {
    return table[i * width + j];
  };
  for (std::size_t i = 0; i <= a.size(); ++i) at(i, 0) = i;
  for (std::size_t j = 0; j <= b.size(); ++j) at(0, j) = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      std::size_t best = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        best = std::min(best, at(i - 2, j - 2) + 1);
      }
      at(i, j) = best;
    }
  }
  return at(a.size(), b.size());
}

bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// Blanks (tabs where the line has tabs) up to the column, then a caret. Columns count bytes, carets
// characters.
std::string CaretLine(std::string_view line, int column) {
  std::string caret;
  for (std::size_t i = 0; i + 1 < static_cast<std::size_t>(column) && i < line.size(); ++i) {
    if (!IsContinuation(line[i])) caret += line[i] == '\t' ? '\t' : ' ';
  }
  return caret + "^";
}

}  // namespace

Diagnostics::Diagnostics(std::string file_name, std::string source)
    : file_name_(std::move(file_name)), source_(std::move(source)) {}

void Diagnostics::Add(Mark mark, std::string message, std::string expected, std::string nearest) {
  ++count_;
  if (items_.size() >= kMaxKept) return;
  items_.push_back({mark, std::move(message), std::move(expected), std::move(nearest)});
}

void Diagnostics::AddExpected(const Node& node, std::string_view key, std::string_view expected) {
  std::string message(key);
  message += node.is_scalar() ? " is " + Quote(node.text()) : std::string(" is ") + node.KindName();
  Add(node.mark(), std::move(message), std::string(expected));
}

void Diagnostics::AddUnread(const Node& node, std::string_view where) {
  for (const Node::Unread& unread : node.UnreadKeys()) {
    Add(unread.mark, Quote(unread.path) + " is no key of " + std::string(where));
  }
}

std::vector<Diagnostic> Diagnostics::Sorted() const {
  std::vector<Diagnostic> sorted = items_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::pair(a.mark.line, a.mark.column) < std::pair(b.mark.line, b.mark.column);
  });
  return sorted;
}

std::string Diagnostics::SourceLine(int line) const {
  std::size_t begin = 0;
  for (int i = 1; i < line; ++i) {
    begin = source_.find('\n', begin);
    if (begin == std::string::npos) return "";
    ++begin;
  }
  std::size_t end = source_.find('\n', begin);
  if (end == std::string::npos) end = source_.size();
  if (end > begin && source_[end - 1] == '\r') --end;
  return source_.substr(begin, end - begin);
}

std::string Diagnostics::Print() const {
  // A minified file has everything on one line; show only what a terminal can.
  static constexpr std::size_t kMaxLine = 200;
  std::string out;
  for (const Diagnostic& item : Sorted()) {
    out += file_name_;
    if (item.mark.line > 0) {
      out += ":" + std::to_string(item.mark.line) + ":" + std::to_string(item.mark.column);
    }
    out += ": " + item.message;
    if (!item.expected.empty()) out += "; expected " + item.expected;
    if (!item.nearest.empty()) out += "; did you mean " + Quote(item.nearest) + "?";
    out += "\n";
    if (item.mark.line == 0) continue;
    const std::string line = SourceLine(item.mark.line);
    if (line.empty() || line.size() > kMaxLine) continue;
    out += "    " + line + "\n    " + CaretLine(line, item.mark.column) + "\n";
  }
  if (count_ > items_.size()) {
    out += file_name_ + ": and " + std::to_string(count_ - items_.size()) + " more\n";
  }
  return out;
}

std::string NearestName(std::string_view name, const std::vector<std::string_view>& candidates) {
  static constexpr std::size_t kMaxName = 64;
  if (name.empty() || name.size() > kMaxName) return "";
  std::size_t best = std::max<std::size_t>(1, name.size() / 3) + 1;
  std::string_view nearest;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kMaxName) continue;
    const std::size_t distance = EditDistance(name, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return std::string(nearest);
}

std::string Quote(std::string_view text) {
  static constexpr std::size_t kMaxShown = 80;
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text.substr(0, kMaxShown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += text.size() > kMaxShown ? "…\"" : "\"";
  return out;
}

}  // namespace weir::config
