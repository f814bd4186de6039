#include "filters/http/common/fraction.h"

#include <algorithm>
#include <string>
#include <utility>

namespace weir::filters {

using sdk::ConfigNode;

bool Fraction::Load(const ConfigNode& node) {
  static constexpr std::pair<std::string_view, std::uint32_t> kDenominators[] = {
      {"HUNDRED", 100}, {"TEN_THOUSAND", 10000}, {"MILLION", 1000000}};
  if (!node.ExpectMap("a percentage")) return false;
  bool ok = true;
  if (const ConfigNode denominator = node.Get("denominator")) {
    ok = denominator.ReadOneOf(kDenominators, &denominator_);
  }
  if (const ConfigNode numerator = node.Get("numerator")) {
    std::int64_t value = 0;
    ok = numerator.Read(0, UINT32_MAX, &value) && ok;
    numerator_ = static_cast<std::uint32_t>(value);
  }
  return ok;
}

bool Fraction::LoadRuntime(const ConfigNode& node) {
  if (!node.ExpectMap("this")) return false;
  bool ok = true;
  if (const ConfigNode key = node.Get("runtime_key")) {
    std::string unused;
    ok = key.Read(&unused);
  }
  const ConfigNode value = node.Get("default_value");
  return value ? Load(value) && ok : node.Fail("default_value is missing");
}

bool Fraction::Draw(const sdk::Host& host) const {
  if (numerator_ == 0) return false;
  if (numerator_ >= denominator_) return true;
  std::uint64_t random = 0;
  host.Random(&random, sizeof random);
  return random % denominator_ < numerator_;
}

Fraction Fraction::AtMost(std::uint32_t numerator) const {
  return Fraction(std::min(numerator, numerator_), denominator_);
}

}  // namespace weir::filters
