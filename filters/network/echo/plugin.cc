#include "filters/network/echo/echo.h"
#include "plugins/sdk/descriptor.h"

namespace {

const weir_extension kExtensions[] = {
    {WEIR_KIND_NETWORK_FILTER, 0, "echo", &weir::filters::kEchoApi}};

}  // namespace

extern "C" WEIR_PLUGIN(echo) = weir::sdk::Descriptor("echo", "0.1.0", kExtensions);
