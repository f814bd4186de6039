#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::filters {

// What a client's accept-encoding says of up to eight codings (RFC 9110 section 12.5.3). Weights
// are thousandths.
class AcceptEncoding {
 public:
  static constexpr std::size_t kMaxCodings = 8;

  // Reads one field value, for `count` codings; call it for each field.
  void Read(std::string_view value, const std::string_view* codings, std::size_t count);

  bool seen() const { return seen_; }
  bool wildcard() const { return wildcard_ >= 0; }
  // Thousandths; 0: not acceptable.
  int Weight(std::size_t coding) const;
  // Of no coding at all: -1 when nothing is said of it.
  int identity() const { return identity_; }

 private:
  void ReadOne(std::string_view entry, const std::string_view* codings, std::size_t count);

  bool seen_ = false;
  std::int16_t wildcard_ = -1;
  std::int16_t identity_ = -1;
  std::int16_t weights_[kMaxCodings] = {-1, -1, -1, -1, -1, -1, -1, -1};
};

}  // namespace weir::filters
