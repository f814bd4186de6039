#include "core/admin/redact.h"

#include <algorithm>
#include <cctype>
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

// The field that a {key, value} or {name, value} map is about; empty: it is no such map.
std::string_view FieldName(const Node& map) {
  std::string_view name;
  bool value = false;
  for (const Node::Entry& entry : map.entries()) {
    if ((entry.key == "key" || entry.key == "name" || entry.key == "header_name") &&
        entry.value->is_scalar())
      name = entry.value->text();
    value = value || entry.key == "value" || entry.key == "raw_value";
  }
  return value ? name : std::string_view{};
}

std::string RedactedText(std::string_view text) {
  if (Contains(text, "PRIVATE KEY-----")) return kRedacted;
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

std::shared_ptr<const Node> Copy(const Node& node, bool secret);

void CopyEntries(const Node& node, bool secret, Node* out) {
  const std::string_view field = node.is_map() ? FieldName(node) : std::string_view{};
  const bool secret_field = !field.empty() && NamesSecret(field);
  for (const Node::Entry& entry : node.entries()) {
    bool hide = secret;
    if (node.is_map()) {
      hide = hide || NamesSecret(entry.key);
      hide = hide || (secret_field && (entry.key == "value" || entry.key == "raw_value"));
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

}  // namespace weir::admin
