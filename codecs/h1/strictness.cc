#include "codecs/h1/strictness.h"

#include <cstring>

namespace weir::h1 {

namespace {

const weir_node* Get(const weir_config_api& config, const weir_node* node, const char* key) {
  return config.get(node, {key, std::strlen(key)});
}

bool ReadRule(const weir_config_api& config, const weir_node* node, bool* out) {
  if (node == nullptr) return true;
  uint32_t value = 0;
  if (config.boolean(node, &value) != WEIR_OK) return false;
  *out = value != 0;
  return true;
}

bool ReadLimit(const weir_config_api& config, const weir_node* node, int64_t least, int64_t most,
               uint32_t* out) {
  if (node == nullptr) return true;
  int64_t value = 0;
  if (config.integer(node, least, most, &value) != WEIR_OK) return false;
  *out = static_cast<uint32_t>(value);
  return true;
}

}  // namespace

bool ReadStrictness(const weir_config_api& config, const weir_node* node, Strictness* out) {
  bool good = true;  // every mistake is reported, not the first alone
#define WEIR_H1_READ_RULE_(name, on, where) \
  good = ReadRule(config, Get(config, node, #name), &out->name) && good;
  WEIR_H1_RULES(WEIR_H1_READ_RULE_)
#undef WEIR_H1_READ_RULE_
#define WEIR_H1_READ_LIMIT_(name, value, least, most, what) \
  good = ReadLimit(config, Get(config, node, #name), least, most, &out->name) && good;
  WEIR_H1_LIMITS(WEIR_H1_READ_LIMIT_)
#undef WEIR_H1_READ_LIMIT_
  return good;
}

}  // namespace weir::h1
