#include "core/admin/redact.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <string>
#include <string_view>

namespace weir::admin {
namespace {

using config::Node;

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// Lower case, and with '_' for '-': keys and header fields in one form.
std::string Plain(std::string_view name) {
  std::string plain(name);
  std::transform(plain.begin(), plain.end(), plain.begin(), [](char c) {
    return c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return plain;
}

// Whether what stands under a key, or in a header field, of this name is a secret.
bool NamesSecret(std::string_view name) {
  const std::string plain = Plain(name);
  for (const char* part : {"password", "passwd", "passphrase", "secret", "private_key", "api_key",
                           "apikey", "credential", "authorization", "hmac"}) {
    if (Contains(plain, part)) return true;
  }
  for (const char* whole : {"token", "users", "cookie", "set_cookie", "jwt", "inline_jwks"}) {
    if (plain == whole) return true;
  }
  return EndsWith(plain, "_token") || EndsWith(plain, "_cookie");
}

// A key below a secret's that says only where the secret is.
bool NamesPlace(std::string_view key) {
  return key == "filename" || key == "path" || key == "environment_variable" || key == "@type";
}

// Whether a header field, or a parameter of a query, of this name has a secret for its value.
bool NamesSecretField(std::string_view name) {
  const std::string plain = Plain(name);
  return NamesSecret(name) || EndsWith(plain, "_key") || EndsWith(plain, "_auth");
}

// A key beside a field's name under which the value stands that it gets, or must have.
bool HoldsFieldValue(std::string_view key) {
  constexpr std::string_view kKeys[] = {
      "value",          "raw_value",        "exact_match", "prefix_match", "suffix_match",
      "contains_match", "safe_regex_match", "safe_regex",  "string_match"};
  return std::find(std::begin(kKeys), std::end(kKeys), key) != std::end(kKeys);
}

// The field that a {key, value} or {name, string_match} map is about; empty: it is no such map.
std::string_view FieldName(const Node& map) {
  std::string_view name;
  bool value = false;
  for (const Node::Entry& entry : map.entries()) {
    if ((entry.key == "key" || entry.key == "name" || entry.key == "header_name") &&
        entry.value->is_scalar())
      name = entry.value->text();
    value = value || HoldsFieldValue(entry.key);
  }
  return value ? name : std::string_view{};
}

// "Bearer abc", the value of a field whatever it is called. "Basic realm=..." asks for one.
bool IsCredential(std::string_view text) {
  const size_t space = text.find(' ');
  if (space == std::string_view::npos || space + 1 == text.size()) return false;
  const std::string scheme = Plain(text.substr(0, space));
  return (scheme == "bearer" || scheme == "basic") && !Contains(text, "realm=");
}

std::string RedactedText(std::string_view text) {
  if (Contains(text, "PRIVATE KEY-----") || IsCredential(text)) return kRedacted;
  std::string shown(text);
  // scheme://user:password@host
  for (size_t at = shown.find("://"); at != std::string::npos; at = shown.find("://", at + 3)) {
    const size_t end = std::min(shown.find_first_of("/?# \"", at + 3), shown.size());
    const size_t mark = shown.substr(0, end).rfind('@');
    if (mark == std::string::npos || mark < at + 3) continue;
    shown.replace(at + 3, mark - at - 3, kRedacted);
  }
  return shown;
}

constexpr std::string_view kMistakeIndent = "    ";

std::shared_ptr<const Node> Copy(const Node& node, bool secret);

void CopyEntries(const Node& node, bool secret, Node* out) {
  const std::string_view field = node.is_map() ? FieldName(node) : std::string_view{};
  const bool secret_field = !field.empty() && NamesSecretField(field);
  for (const Node::Entry& entry : node.entries()) {
    bool hide = secret;
    if (node.is_map()) {
      hide = hide || NamesSecret(entry.key);
      hide = hide || (secret_field && HoldsFieldValue(entry.key));
      hide = hide && !NamesPlace(entry.key);
    }
    out->Add(entry.key, entry.key_mark, Copy(*entry.value, hide));
  }
}

std::shared_ptr<const Node> Copy(const Node& node, bool secret) {
  if (node.is_null()) return Node::Null(node.mark());
  if (node.is_scalar()) {
    const std::string text = secret && !node.text().empty() ? kRedacted : RedactedText(node.text());
    return Node::Scalar(text, node.quoted() || text != node.text(), node.mark());
  }
  auto copy = node.is_map() ? Node::Map(node.mark()) : Node::Sequence(node.mark());
  CopyEntries(node, secret, copy.get());
  return copy;
}

}  // namespace

std::shared_ptr<const config::Node> Redact(const config::Node& node) {
  return Copy(node, false);
}

std::string RedactMistakes(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, std::min(text.find('\n'), text.size()));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.substr(0, kMistakeIndent.size()) == kMistakeIndent) continue;
    shown += RedactedText(line);
    shown += '\n';
  }
  return shown;
}

}  // namespace weir::admin
