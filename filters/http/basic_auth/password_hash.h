#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::filters {

// The hash of one password, as a line of htpasswd has it.
class PasswordHash {
 public:
  enum class Kind : std::uint8_t {
    kSha,    // {SHA}, unsalted SHA-1: quick, and quick to guess
    kCrypt,  // bcrypt ($2a$, $2b$, $2y$), $5$ (SHA-256), $6$ (SHA-512): slow on purpose
  };
  using Sha1 = void (*)(const std::uint8_t* in, std::size_t size, std::uint8_t out[20]);

  // Null, or what is wrong with the text.
  const char* Parse(std::string_view text);

  // Any thread; a crypt hash takes milliseconds to seconds. The time does not tell how much of it
  // was right.
  bool Matches(const std::string& password, Sha1 sha1) const;

  Kind kind() const { return kind_; }
  // Whether the other takes as long: the same method, as often.
  bool CostsLike(const PasswordHash& other) const {
    return method_ == other.method_ && cost_ == other.cost_;
  }

 private:
  const char* ParseSha(std::string_view text);
  const char* ParseBcrypt(std::string_view text);
  const char* ParseSha2(std::string_view text, std::size_t digest);

  Kind kind_ = Kind::kSha;
  char method_ = 0;         // kCrypt: the one behind the first $
  std::uint64_t cost_ = 0;  // of bcrypt the power of two, of the others the rounds
  std::string text_;        // kCrypt: all of it; kSha: the 20 bytes
};

// Whether both are equal; the time tells their lengths alone.
bool EqualInConstantTime(std::string_view a, std::string_view b);

}  // namespace weir::filters
