#include "core/config/expand_env.h"
#include "core/config/yaml.h"

namespace weir::config {
namespace {

bool IsAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Texts that need no quotes wherever they stand; anything doubtful is quoted.
bool IsPlain(std::string_view text) {
  if (text.empty() || (!IsAlnum(text[0]) && text[0] != '/')) return false;
  if (text == "null" || text == "Null" || text == "NULL" || text.back() == ':') return false;
  for (const char c : text) {
    if (!IsAlnum(c) && std::string_view("_./:+-").find(c) == std::string_view::npos) return false;
  }
  return true;
}

std::string ScalarText(const std::string& raw) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text = EscapeEnvironment(raw);
  if (IsPlain(text)) return text;
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// Keys are not expanded, so they are not escaped either.
std::string KeyText(const std::string& key) {
  std::string text = ScalarText(key);
  for (std::size_t at = text.find("$${"); at != std::string::npos; at = text.find("$${", at + 2)) {
    text.erase(at, 1);
  }
  return text;
}

bool IsInline(const Node& node) {
  return node.size() == 0;
}

std::string InlineText(const Node& node) {
  switch (node.kind()) {
    case Node::Kind::kNull:
      return "null";
    case Node::Kind::kScalar:
      return ScalarText(node.text());
    case Node::Kind::kSequence:
      return "[]";
    case Node::Kind::kMap:
      return "{}";
  }
  return "";
}

// Writes a map or sequence that is not empty. The first line is not indented: the caller has placed
// the cursor.
void PrintBlock(const Node& node, std::size_t indent, std::string* out) {
  bool first = true;
  for (const Node::Entry& entry : node.entries()) {
    if (!first) out->append(indent, ' ');
    first = false;
    const Node& value = *entry.value;
    if (node.is_sequence()) {
      *out += "- ";
      if (IsInline(value)) {
        *out += InlineText(value) + "\n";
      } else {
        PrintBlock(value, indent + 2, out);
      }
      continue;
    }
    *out += KeyText(entry.key) + ":";
    if (IsInline(value)) {
      *out += " " + InlineText(value) + "\n";
    } else {
      *out += "\n";
      out->append(indent + 2, ' ');
      PrintBlock(value, indent + 2, out);
    }
  }
}

}  // namespace

std::string PrintYaml(const Node& node) {
  std::string out;
  if (IsInline(node)) return InlineText(node) + "\n";
  PrintBlock(node, 0, &out);
  return out;
}

}  // namespace weir::config
