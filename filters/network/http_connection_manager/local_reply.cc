#include "filters/network/http_connection_manager/local_reply.h"

#include <charconv>
#include <cstring>

#include "core/http/route/byte_sink.h"

namespace weir::hcm {
namespace {

using config::FormatPiece;

const config::LocalReplyMapper* FindMapper(const config::LocalReplyConfig& config,
                                           uint32_t status) {
  for (const config::LocalReplyMapper& mapper : config.mappers) {
    for (const config::StatusRange& range : mapper.status) {
      if (status >= range.min && status <= range.max) return &mapper;
    }
  }
  return nullptr;
}

std::string_view Number(uint32_t n, char* room) {
  return {room, static_cast<size_t>(std::to_chars(room, room + 10, n).ptr - room)};
}

std::string_view Format(const config::BodyFormat& format, const LocalReplyText& text,
                        std::string_view details, base::Arena* arena) {
  if (format.pieces.size() == 1 && format.pieces[0].kind == FormatPiece::Kind::kLocalReplyBody)
    return text.body;
  char number[10];
  const auto value = [&](const FormatPiece& piece) -> std::string_view {
    switch (piece.kind) {
      case FormatPiece::Kind::kLiteral:
        return piece.literal;
      case FormatPiece::Kind::kResponseCode:
        return Number(text.status, number);
      case FormatPiece::Kind::kResponseCodeDetails:
        return details;
      default:
        return text.body;
    }
  };
  size_t size = 0;
  for (const FormatPiece& piece : format.pieces) size += value(piece).size();
  auto* room = static_cast<char*>(arena->Allocate(size, 1));
  if (room == nullptr) return text.body;
  http::ByteSink sink(room, size);
  for (const FormatPiece& piece : format.pieces) sink.Append(value(piece));
  return sink.text();
}

}  // namespace

LocalReplyText FormatLocalReply(const config::LocalReplyConfig& config,
                                const http::LocalReply& reply, base::Arena* arena) {
  LocalReplyText text;
  text.status = reply.status;
  text.body = reply.body;
  const config::BodyFormat* format = &config.body_format;
  if (const config::LocalReplyMapper* mapper = FindMapper(config, reply.status)) {
    if (mapper->status_code) text.status = *mapper->status_code;
    if (mapper->body) text.body = *mapper->body;
    if (mapper->body_format) format = &*mapper->body_format;
  }
  text.body = Format(*format, text, reply.details, arena);
  text.content_type = format->content_type;
  text.grpc_message = text.body.empty() ? reply.details : text.body;
  return text;
}

bool IsGrpc(std::string_view content_type) {
  constexpr std::string_view kGrpc = "application/grpc";
  return content_type.substr(0, kGrpc.size()) == kGrpc &&
         (content_type.size() == kGrpc.size() || content_type[kGrpc.size()] == '+' ||
          content_type[kGrpc.size()] == ';');
}

LocalReplyText AsGrpc(const LocalReplyText& text) {
  LocalReplyText grpc = text;
  grpc.status = 200;
  grpc.body = {};
  return grpc;
}

uint32_t GrpcStatusOf(uint32_t http_status) {
  switch (http_status) {
    case 400:
      return 13;  // INTERNAL
    case 401:
      return 16;  // UNAUTHENTICATED
    case 403:
      return 7;  // PERMISSION_DENIED
    case 404:
      return 12;  // UNIMPLEMENTED
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;  // UNAVAILABLE
    default:
      return 2;  // UNKNOWN
  }
}

uint32_t GrpcStatusOf(const http::LocalReply& reply) {
  return reply.grpc_status == http::LocalReply::kGrpcStatusOfHttp
             ? GrpcStatusOf(reply.status)
             : static_cast<uint32_t>(reply.grpc_status);
}

void AddGrpcStatus(uint32_t grpc_status, std::string_view text, http::Message* message) {
  char number[10];
  message->Add("grpc-status", Number(grpc_status, number));
  if (text.empty()) return;
  // Percent-encoded: all that is not printable ASCII, and '%' itself.
  const size_t most = text.size() < 1024 ? text.size() : 1024;
  auto* room = static_cast<char*>(message->arena()->Allocate(most * 3, 1));
  if (room == nullptr) return;
  size_t n = 0;
  static constexpr char kHex[] = "0123456789ABCDEF";
  for (size_t i = 0; i < most; ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c <= 0x7e && c != '%') {
      room[n++] = text[i];
    } else {
      room[n++] = '%';
      room[n++] = kHex[c >> 4];
      room[n++] = kHex[c & 15];
    }
  }
  message->AddStatic(WEIR_TOKEN_GRPC_MESSAGE, {room, n});
}

}  // namespace weir::hcm
