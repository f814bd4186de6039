#include "filters/listener/proxy_protocol/proxy_protocol.h"

namespace {

constexpr weir_extension kExtensions[] = {
    {WEIR_KIND_LISTENER_FILTER, 0, "proxy_protocol", &weir::proxy_protocol::kProxyProtocolApi},
};

}  // namespace

extern "C" WEIR_PLUGIN(proxy_protocol) = weir::sdk::Descriptor("proxy_protocol", "1.0",
                                                               kExtensions);
