#pragma once

#include <cstdint>
#include <string_view>

#include "core/config/http_config.h"
#include "core/http/terminal.h"

namespace weir::hcm {

struct LocalReplyText {
  uint32_t status = 500;
  std::string_view content_type;
  std::string_view body;
  std::string_view grpc_message;
};

// Applies local_reply_config: the first mapper that has the status, then the body format. Views
// live in the arena or the configuration.
LocalReplyText FormatLocalReply(const config::LocalReplyConfig& config,
                                const http::LocalReply& reply, base::Arena* arena);

// application/grpc, with +proto and the like or without; not grpc-web.
bool IsGrpc(std::string_view content_type);

// A gRPC client reads no HTTP status: 200 with grpc-status and grpc-message (gRPC over HTTP/2,
// "Responses").
LocalReplyText AsGrpc(const LocalReplyText& text);
inline constexpr int32_t kGrpcDeadlineExceeded = 4;
uint32_t GrpcStatusOf(uint32_t http_status);
uint32_t GrpcStatusOf(const http::LocalReply& reply);
// To a head or to trailers.
void AddGrpcStatus(uint32_t grpc_status, std::string_view text, http::Message* message);

}  // namespace weir::hcm
