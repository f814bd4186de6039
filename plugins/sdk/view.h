#pragma once

#include <cstdint>
#include <string_view>

#include "plugins/abi/tokens.h"
#include "plugins/abi/weir.h"

namespace weir::sdk {

inline weir_view View(std::string_view text) {
  return {text.data(), text.size()};
}

inline std::string_view Text(weir_view view) {
  return view.data == nullptr ? std::string_view() : std::string_view(view.data, view.size);
}

// A field for the host to copy; false when the name or value is longer than one can be.
inline bool MakeField(std::string_view name, std::string_view value, weir_field* field) {
  if (name.size() > UINT16_MAX || value.size() > UINT32_MAX) return false;
  *field = {};
  field->name = name.data();
  field->name_size = static_cast<std::uint16_t>(name.size());
  field->value = value.data();
  field->value_size = static_cast<std::uint32_t>(value.size());
  field->token = WEIR_TOKEN_UNSET;
  return true;
}

}  // namespace weir::sdk
