#include "core/observe/response_flags.h"

#include <bit>
#include <cstring>
#include <string_view>

namespace weir::observe {
namespace {

constexpr std::string_view kNames[] = {
#define WEIR_FLAG(name, text) text,
    WEIR_RESPONSE_FLAGS(WEIR_FLAG)
#undef WEIR_FLAG
};

constexpr size_t LongestText() {
  size_t size = 0;
  for (std::string_view name : kNames) size += name.size() + 1;
  return size;
}
static_assert(std::size(kNames) <= 32);
static_assert(LongestText() <= kMaxResponseFlagsText);

}  // namespace

char* WriteResponseFlags(ResponseFlags flags, char* out) {
  uint32_t left = flags.bits;
  if (left == 0) *out++ = '-';
  while (left != 0) {
    const std::string_view name = kNames[std::countr_zero(left)];
    std::memcpy(out, name.data(), name.size());
    out += name.size();
    left &= left - 1;
    if (left != 0) *out++ = ',';
  }
  return out;
}

}  // namespace weir::observe
