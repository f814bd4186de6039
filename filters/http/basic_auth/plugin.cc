#include "filters/http/basic_auth/basic_auth.h"

namespace {

const weir_extension kExtensions[] = {
    {WEIR_KIND_HTTP_FILTER, 0, "basic_auth", &weir::filters::kBasicAuthApi}};

}  // namespace

extern "C" WEIR_PLUGIN(basic_auth) = weir::sdk::Descriptor("basic_auth", "0.1.0", kExtensions);
