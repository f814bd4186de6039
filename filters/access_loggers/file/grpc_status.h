#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "plugins/sdk/http_stream.h"

namespace weir::access_log {

enum class GrpcStatusForm : std::uint32_t { kCamel = 0, kSnake = 1, kNumber = 2 };

// The status of a gRPC call: of the trailers, else of the head, else what the HTTP status stands
// for. Nothing for a stream that is no gRPC call.
std::optional<std::int64_t> GrpcStatusOf(const sdk::HttpStream& stream);

// "NotFound" or "NOT_FOUND"; a number that is none of gRPC's is written as it is, into scratch (24
// bytes at least).
std::string_view GrpcStatusName(std::int64_t status, GrpcStatusForm form, char* scratch);

}  // namespace weir::access_log
