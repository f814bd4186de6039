#include "core/http/filter_chain.h"

namespace weir::http {

const weir_http_api* HttpFilterHostTable() {
  static const weir_http_api table = [] {
    weir_http_api t{};
    t.struct_size = sizeof t;
    return t;
  }();
  return &table;
}

}  // namespace weir::http
