#include "filters/http/ext_authz/ext_authz.h"

namespace {

const weir_extension kExtensions[] = {
    {WEIR_KIND_HTTP_FILTER, 0, "ext_authz", &weir::filters::kExtAuthzApi}};

}  // namespace

extern "C" WEIR_PLUGIN(ext_authz) = weir::sdk::Descriptor("ext_authz", "0.1.0", kExtensions);
