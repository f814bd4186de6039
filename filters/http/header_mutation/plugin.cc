#include "filters/http/header_mutation/header_mutation.h"
#include "plugins/sdk/descriptor.h"

namespace {

const weir_extension kExtensions[] = {
    {WEIR_KIND_HTTP_FILTER, 0, "header_mutation", &weir::filters::kHeaderMutationApi}};

}  // namespace

extern "C" WEIR_PLUGIN(header_mutation) = weir::sdk::Descriptor("header_mutation", "0.1.0",
                                                                kExtensions);
