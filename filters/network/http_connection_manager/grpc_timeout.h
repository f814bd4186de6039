#pragma once

#include <optional>
#include <string_view>

#include "core/config/route_config.h"

// The deadline that a gRPC client asks for: "grpc-timeout: 250m" (gRPC over HTTP/2, "Requests").

namespace weir::hcm {

// One to eight digits and a unit: H, M, S, m(illi-), u (micro-) or n(anoseconds), rounded up to
// milliseconds. Nothing for any other text: such a request has no deadline.
std::optional<config::Milliseconds> ParseGrpcTimeout(std::string_view text);

// What is granted of it: at most `most` (0: no bound), and earlier by `offset`, down to 0, which
// has passed already.
config::Milliseconds BoundGrpcTimeout(config::Milliseconds wanted, config::Milliseconds most,
                                      config::Milliseconds offset);

// The text of a timeout, in the finest unit that eight digits hold, rounded down. The view lives
// as long as the object.
class GrpcTimeoutText {
 public:
  std::string_view Format(config::Milliseconds timeout);

 private:
  char text_[9];
};

}  // namespace weir::hcm
