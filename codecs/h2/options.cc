#include "codecs/h2/options.h"

#include <cstring>

namespace weir::h2 {
namespace {

bool ReadOption(const weir_config_api& config, const weir_node* map, const char* key, int64_t least,
                int64_t most, uint32_t* out) {
  const weir_node* node = config.get(map, {key, std::strlen(key)});
  if (node == nullptr) return true;
  int64_t value = 0;
  if (config.integer(node, least, most, &value) != WEIR_OK) return false;
  *out = static_cast<uint32_t>(value);
  return true;
}

}  // namespace

bool ReadOptions(const weir_config_api& config, const weir_node* node, Options* out) {
  bool good = true;  // every mistake is reported, not the first alone
#define WEIR_H2_READ_OPTION_(name, value, least, most, what) \
  good = ReadOption(config, node, #name, least, most, &out->name) && good;
  WEIR_H2_OPTIONS(WEIR_H2_READ_OPTION_)
#undef WEIR_H2_READ_OPTION_
  for (const GuardLimitInfo& limit : kGuardLimitTable) {
    good = ReadOption(config, node, limit.name, limit.least, limit.most,
                      &(out->guards.*limit.member)) &&
           good;
  }
  return good;
}

}  // namespace weir::h2
