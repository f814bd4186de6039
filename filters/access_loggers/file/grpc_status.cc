#include "filters/access_loggers/file/grpc_status.h"

#include <charconv>

#include "plugins/abi/tokens.h"

namespace weir::access_log {
namespace {

struct Names {
  std::string_view camel;
  std::string_view snake;
};
constexpr Names kNames[] = {
    {"OK", "OK"},
    {"Canceled", "CANCELLED"},
    {"Unknown", "UNKNOWN"},
    {"InvalidArgument", "INVALID_ARGUMENT"},
    {"DeadlineExceeded", "DEADLINE_EXCEEDED"},
    {"NotFound", "NOT_FOUND"},
    {"AlreadyExists", "ALREADY_EXISTS"},
    {"PermissionDenied", "PERMISSION_DENIED"},
    {"ResourceExhausted", "RESOURCE_EXHAUSTED"},
    {"FailedPrecondition", "FAILED_PRECONDITION"},
    {"Aborted", "ABORTED"},
    {"OutOfRange", "OUT_OF_RANGE"},
    {"Unimplemented", "UNIMPLEMENTED"},
    {"Internal", "INTERNAL"},
    {"Unavailable", "UNAVAILABLE"},
    {"DataLoss", "DATA_LOSS"},
    {"Unauthenticated", "UNAUTHENTICATED"},
};
constexpr std::int64_t kUnknown = 2;

std::optional<std::int64_t> StatusIn(const sdk::HttpStream& stream, std::uint32_t which) {
  weir_view value{};
  constexpr std::string_view kName = "grpc-status";
  if (stream.api()->get(stream.handle(), which, sdk::View(kName), 0, &value) != WEIR_OK)
    return std::nullopt;
  const std::string_view text = sdk::Text(value);
  std::int64_t status = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
  if (error != std::errc() || end != text.data() + text.size() || status < 0) return kUnknown;
  return status;
}

// What a client makes of an answer without a status (the gRPC documentation's table).
std::int64_t OfHttp(std::uint32_t status) {
  switch (status) {
    case 400:
      return 13;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 12;
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;
    default:
      return kUnknown;
  }
}

}  // namespace

std::optional<std::int64_t> GrpcStatusOf(const sdk::HttpStream& stream) {
  weir_view type{};
  if (stream.api()->get_token(stream.handle(), WEIR_REQUEST, WEIR_TOKEN_CONTENT_TYPE, 0, &type) !=
      WEIR_OK)
    return std::nullopt;
  constexpr std::string_view kGrpc = "application/grpc";
  const std::string_view text = sdk::Text(type);
  if (text.substr(0, kGrpc.size()) != kGrpc) return std::nullopt;
  if (text.size() > kGrpc.size() && text[kGrpc.size()] != '+' && text[kGrpc.size()] != ';')
    return std::nullopt;
  if (const auto status = StatusIn(stream, WEIR_RESPONSE_TRAILERS)) return status;
  if (const auto status = StatusIn(stream, WEIR_RESPONSE)) return status;
  if (stream.status() == 0) return std::nullopt;
  return OfHttp(stream.status());
}

std::string_view GrpcStatusName(std::int64_t status, GrpcStatusForm form, char* scratch) {
  if (status >= 0 && status < static_cast<std::int64_t>(std::size(kNames))) {
    const Names& names = kNames[status];
    return form == GrpcStatusForm::kSnake ? names.snake : names.camel;
  }
  const auto done = std::to_chars(scratch, scratch + 24, status);
  return {scratch, static_cast<std::size_t>(done.ptr - scratch)};
}

}  // namespace weir::access_log
