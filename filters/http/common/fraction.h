#pragma once

#include <cstdint>

#include "plugins/sdk/config_node.h"
#include "plugins/sdk/host.h"

namespace weir::filters {

// Envoy's FractionalPercent: how many of a hundred, ten thousand or million requests. Immutable
// after loading; cheap to copy.
class Fraction {
 public:
  Fraction() = default;  // none
  static Fraction All() { return Fraction(100, 100); }

  // Reads {numerator, denominator: HUNDRED | TEN_THOUSAND | MILLION}. Every mistake is reported at
  // its place; false when there was one.
  bool Load(const sdk::ConfigNode& node);
  // Reads {default_value: {numerator, denominator}, runtime_key}. There is no runtime, so the key
  // stands for nothing and the default value is the value.
  bool LoadRuntime(const sdk::ConfigNode& node);

  // Whether this one is among them. Draws a random number only where the answer is not certain.
  bool Draw(const sdk::Host& host) const;
  // The same with a numerator that is no larger than this one's.
  Fraction AtMost(std::uint32_t numerator) const;

 private:
  Fraction(std::uint32_t numerator, std::uint32_t denominator)
      : numerator_(numerator), denominator_(denominator) {}

  std::uint32_t numerator_ = 0;
  std::uint32_t denominator_ = 100;
};

}  // namespace weir::filters
