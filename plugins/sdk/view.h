#pragma once

#include <string_view>

#include "plugins/abi/weir.h"

namespace weir::sdk {

inline weir_view View(std::string_view text) {
  return {text.data(), text.size()};
}

inline std::string_view Text(weir_view view) {
  return view.data == nullptr ? std::string_view() : std::string_view(view.data, view.size);
}

}  // namespace weir::sdk
