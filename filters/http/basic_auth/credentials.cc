#include "filters/http/basic_auth/credentials.h"

#include <algorithm>
#include <cstring>

#include "filters/http/basic_auth/base64.h"
#include "plugins/util/ascii.h"

namespace weir::filters {
namespace {

constexpr std::string_view kScheme = "basic";

void Wipe(std::string* text) {
  explicit_bzero(text->data(), text->size());
  text->clear();
}

// RFC 7617 section 2: neither part has control characters. A NUL would end the password early.
bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

}  // namespace

Credentials::~Credentials() {
  Wipe(&password);
}

Credentials::Problem Credentials::Parse(std::string_view field) {
  if (!util::EqualsLower(field.substr(0, kScheme.size()), kScheme)) return Problem::kScheme;
  field.remove_prefix(kScheme.size());
  if (field.empty() || field[0] != ' ') return field.empty() ? Problem::kFormat : Problem::kScheme;
  field.remove_prefix(std::min(field.find_first_not_of(' '), field.size()));
  if (field.size() > (kMaxUserName + kMaxPassword + 1) * 4 / 3 + 4) return Problem::kFormat;
  std::string text;
  const bool good = DecodeBase64(field, &text);
  // The name ends at the first colon; a password may have more of them.
  const std::size_t colon = text.find(':');
  const bool split = good && colon != std::string::npos && !HasControl(text);
  if (split) {
    user.assign(text, 0, colon);
    password.assign(text, colon + 1);
  }
  Wipe(&text);
  return split && !user.empty() && user.size() <= kMaxUserName && password.size() <= kMaxPassword
             ? Problem::kNone
             : Problem::kFormat;
}

}  // namespace weir::filters
