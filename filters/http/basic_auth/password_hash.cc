#include "filters/http/basic_auth/password_hash.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include <crypt.h>

#include "filters/http/basic_auth/base64.h"
#include "plugins/util/ascii.h"

namespace weir::filters {
namespace {

using util::IsDigit;

// About a second each. Beyond it, one password keeps a thread busy for longer than a client waits.
constexpr int kMaxBcryptCost = 14;
constexpr std::uint64_t kMaxRounds = 2000000;
constexpr std::uint64_t kDefaultRounds = 5000;  // of $5$ and $6$, without rounds=

bool IsCryptText(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return util::IsAlpha(c) || IsDigit(c) || c == '.' || c == '/'; });
}

}  // namespace

bool EqualInConstantTime(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  volatile unsigned char differs = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    differs = static_cast<unsigned char>(
        differs | (static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i])));
  }
  return differs == 0;
}

const char* PasswordHash::ParseSha(std::string_view text) {
  if (!DecodeBase64(text, &text_) || text_.size() != 20) {
    return "{SHA} is to be followed by 28 letters of Base64";
  }
  kind_ = Kind::kSha;
  cost_ = 1;
  return nullptr;
}

// $2y$10$ and 53 letters.
const char* PasswordHash::ParseBcrypt(std::string_view text) {
  if (text.size() != 60 || !IsDigit(text[4]) || !IsDigit(text[5]) || text[6] != '$' ||
      !IsCryptText(text.substr(7))) {
    return "a bcrypt hash has a form like $2y$10$ and 53 letters";
  }
  const int cost = (text[4] - '0') * 10 + (text[5] - '0');
  if (cost < 4 || cost > kMaxBcryptCost) return "bcrypt's cost is to be 4 to 14";
  cost_ = static_cast<std::uint64_t>(cost);
  return nullptr;
}

// $5$rounds=5000$salt$ and the digest.
const char* PasswordHash::ParseSha2(std::string_view text, std::size_t digest) {
  constexpr std::string_view kRounds = "rounds=";
  std::string_view rest = text.substr(3);
  cost_ = kDefaultRounds;
  if (rest.substr(0, kRounds.size()) == kRounds) {
    rest.remove_prefix(kRounds.size());
    cost_ = 0;
    while (!rest.empty() && IsDigit(rest[0]) && cost_ <= kMaxRounds) {
      cost_ = cost_ * 10 + static_cast<std::uint64_t>(rest[0] - '0');
      rest.remove_prefix(1);
    }
    if (cost_ < 1000 || cost_ > kMaxRounds) return "rounds= is to be 1000 to 2000000";
    if (rest.empty() || rest[0] != '$') return "a $ is to follow behind rounds=";
    rest.remove_prefix(1);
  }
  const std::size_t end = rest.find('$');
  if (end == std::string_view::npos || end == 0 || end > 16 || !IsCryptText(rest.substr(0, end))) {
    return "a salt of 1 to 16 letters is to stand between two $";
  }
  const std::string_view hash = rest.substr(end + 1);
  return hash.size() == digest && IsCryptText(hash) ? nullptr : "the digest has not its length";
}

const char* PasswordHash::Parse(std::string_view text) {
  constexpr std::string_view kSha = "{SHA}";
  if (text.substr(0, kSha.size()) == kSha) return ParseSha(text.substr(kSha.size()));
  kind_ = Kind::kCrypt;
  text_.assign(text);
  method_ = text.size() > 1 ? text[1] : char{0};
  const std::string_view method = text.substr(0, 4);
  if (method == "$2y$" || method == "$2b$" || method == "$2a$") return ParseBcrypt(text);
  if (text.substr(0, 3) == "$5$") return ParseSha2(text, 43);
  if (text.substr(0, 3) == "$6$") return ParseSha2(text, 86);
  if (text.substr(0, 6) == "$apr1$") return "$apr1$ is MD5: make a bcrypt hash with htpasswd -B";
  return "no hash that is known; expected $2y$ (htpasswd -B), $5$, $6$ or {SHA}";
}

bool PasswordHash::Matches(const std::string& password, Sha1 sha1) const {
  if (kind_ == Kind::kSha) {
    std::uint8_t digest[20];
    sha1(reinterpret_cast<const std::uint8_t*>(password.data()), password.size(), digest);
    return EqualInConstantTime({reinterpret_cast<const char*>(digest), sizeof digest}, text_);
  }
  const auto data = std::make_unique<crypt_data>();
  const char* const made =
      crypt_rn(password.c_str(), text_.c_str(), data.get(), sizeof(crypt_data));
  const bool equal = made != nullptr && EqualInConstantTime(made, text_);
  explicit_bzero(data.get(), sizeof(crypt_data));
  return equal;
}

}  // namespace weir::filters
