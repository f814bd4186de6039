#include "codecs/h1/framing.h"

#include <algorithm>

#include "plugins/abi/tokens.h"
#include "plugins/util/ascii.h"

namespace weir::h1 {

namespace {

using util::EqualsLower;
using util::TrimOws;

struct ConnectionOptions {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
  bool nominates = false;
};

// Calls `use` with each member of a list; empty members are passed over (RFC 9110 section 5.6.1).
template <typename Use>
bool ForEachMember(std::string_view list, Use use) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view member = TrimOws(list.substr(0, comma));
    if (!member.empty() && !use(member)) return false;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return true;
}

Parse ReadConnection(const FramingFields& fields, ConnectionOptions* out, Fault* fault) {
  for (uint32_t i = 0; i < fields.connections; ++i) {
    const std::string_view list = Text(fields.connection[i]);
    if (EqualsLower(list, "keep-alive")) {  // alone, as it mostly is
      out->keep_alive = true;
      continue;
    }
    const bool good = ForEachMember(list, [out](std::string_view member) {
      if (EqualsLower(member, "close")) {
        out->close = true;
      } else if (EqualsLower(member, "keep-alive")) {
        out->keep_alive = true;
      } else if (EqualsLower(member, "upgrade")) {
        out->upgrade = true;
      } else {
        out->nominates = true;
        return util::IsToken(member);
      }
      return true;
    });
    if (!good) return Fail(fault, 400, list.data(), "http1.invalid_connection");
  }
  return Parse::kDone;
}

// One field whose value is "chunked" and nothing else. A coding that we do not have is a 501, a
// list that is none, or that has chunked in the wrong place, is a 400.
Parse ReadTransferEncoding(const FramingFields& fields, Fault* fault) {
  const std::string_view value = Text(fields.transfer_encoding);
  if (fields.transfer_encodings > 1) {
    return Fail(fault, 400, value.data(), "http1.repeated_transfer_encoding");
  }
  if (EqualsLower(value, "chunked")) return Parse::kDone;
  std::string_view rest = value;
  bool chunked_seen = false;
  while (true) {
    const size_t comma = rest.find(',');
    const std::string_view member = TrimOws(rest.substr(0, comma));
    if (!util::IsToken(member) || chunked_seen) {
      return Fail(fault, 400, value.data(), "http1.invalid_transfer_encoding");
    }
    chunked_seen = EqualsLower(member, "chunked");
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return Fail(fault, 501, value.data(), "http1.invalid_transfer_encoding");
}

// Sets length and body from content-length and transfer-encoding.
Parse ReadBody(const FramingFields& fields, uint8_t version, const Strictness& strict, Framing* out,
               Fault* fault) {
  if (fields.transfer_encodings != 0) {
    if (fields.content_lengths != 0) {
      if (strict.reject_length_with_transfer_encoding) {
        return Fail(fault, 400, fields.content_length.data,
                    "http1.content_length_and_chunked_not_allowed");
      }
      out->keep_alive = false;
    }
    if (version < 11) {
      if (strict.reject_transfer_encoding_in_http_10) {
        return Fail(fault, 400, fields.transfer_encoding.data,
                    "http1.transfer_encoding_not_allowed");
      }
      out->keep_alive = false;
    }
    if (ReadTransferEncoding(fields, fault) != Parse::kDone) return Parse::kFault;
    out->body = BodyKind::kChunked;
    return Parse::kDone;
  }
  if (fields.content_lengths == 0) return Parse::kDone;
  if (fields.content_lengths > 1 && (strict.reject_repeated_length || fields.lengths_differ)) {
    return Fail(fault, 400, fields.content_length.data, "http1.repeated_content_length");
  }
  if (!ParseLength(Text(fields.content_length), &out->length)) {
    return Fail(fault, 400, fields.content_length.data, "http1.invalid_content_length");
  }
  out->has_length = true;
  out->body = out->length != 0 ? BodyKind::kLength : BodyKind::kNone;
  return Parse::kDone;
}

bool KeepsAlive(const ConnectionOptions& options, uint8_t version) {
  return !options.close && (version >= 11 || options.keep_alive);
}

}  // namespace

bool ParseLength(std::string_view text, uint64_t* out) {
  if (text.empty() || text.size() > 19) return false;  // 2^63-1 has 19 digits
  uint64_t value = 0;
  for (const char c : text) {
    if (!util::IsDigit(c)) return false;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  *out = value;
  return value <= static_cast<uint64_t>(INT64_MAX);
}

Parse DecideRequest(const FramingFields& fields, std::string_view method, uint8_t version,
                    const Strictness& strict, Framing* out, Fault* fault) {
  ConnectionOptions options;
  if (ReadConnection(fields, &options, fault) != Parse::kDone) return Parse::kFault;
  out->keep_alive = KeepsAlive(options, version);
  out->upgrade = options.upgrade && version >= 11;
  out->nominates = options.nominates;
  if (ReadBody(fields, version, strict, out, fault) != Parse::kDone) return Parse::kFault;
  if (out->body == BodyKind::kNone) return Parse::kDone;
  if (method == "CONNECT") {
    return Fail(fault, 400, method.data(), "http1.body_disallowed");
  }
  if (version < 11 && strict.reject_body_of_http_10_get &&
      (method == "GET" || method == "HEAD" || method == "DELETE")) {
    return Fail(fault, 413, method.data(), "http1.body_disallowed");
  }
  return Parse::kDone;
}

Parse DecideResponse(const FramingFields& fields, const ResponseFacts& facts,
                     const Strictness& strict, Framing* out, Fault* fault) {
  ConnectionOptions options;
  if (ReadConnection(fields, &options, fault) != Parse::kDone) return Parse::kFault;
  out->keep_alive = KeepsAlive(options, facts.version);
  out->upgrade = options.upgrade;
  out->nominates = options.nominates;
  if (ReadBody(fields, facts.version, strict, out, fault) != Parse::kDone) return Parse::kFault;
  const bool without_content =
      facts.status < 200 || facts.status == 204 || (facts.to_connect && facts.status < 300);
  if (without_content) {
    if (out->body == BodyKind::kChunked) {
      return Fail(fault, 400, fields.transfer_encoding.data, "http1.transfer_encoding_not_allowed");
    }
    if (out->body == BodyKind::kLength && strict.reject_length_without_content) {
      return Fail(fault, 400, fields.content_length.data, "http1.content_length_not_allowed");
    }
    out->has_length = false;
    out->body = BodyKind::kNone;
  } else if (facts.to_head || facts.status == 304) {
    out->body = BodyKind::kNone;
  } else if (!out->has_length && out->body == BodyKind::kNone) {
    out->body = BodyKind::kUntilClose;
    out->keep_alive = false;
  }
  return Parse::kDone;
}

void RemoveNominated(const FramingFields& fields, FieldBlock* block) {
  for (uint32_t i = 0; i < fields.connections; ++i) {
    ForEachMember(Text(fields.connection[i]), [block](std::string_view member) {
      if (EqualsLower(member, "close") || EqualsLower(member, "keep-alive") ||
          EqualsLower(member, "upgrade") || EqualsLower(member, "te")) {
        return true;
      }
      char* const name = const_cast<char*>(member.data());
      std::transform(name, name + member.size(), name, util::ToLower);
      RemoveField(block, member);
      return true;
    });
  }
}

bool ForbiddenInTrailers(uint16_t token) {
  if (WEIR_TOKEN_IS_FRAMING(token)) return true;
  switch (token) {
    case WEIR_TOKEN_AUTHORIZATION:
    case WEIR_TOKEN_PROXY_AUTHORIZATION:
    case WEIR_TOKEN_PROXY_AUTHENTICATE:
    case WEIR_TOKEN_WWW_AUTHENTICATE:
    case WEIR_TOKEN_COOKIE:
    case WEIR_TOKEN_SET_COOKIE:
    case WEIR_TOKEN_CONTENT_ENCODING:
    case WEIR_TOKEN_CONTENT_TYPE:
    case WEIR_TOKEN_CONTENT_RANGE:
    case WEIR_TOKEN_CACHE_CONTROL:
    case WEIR_TOKEN_MAX_FORWARDS:
    case WEIR_TOKEN_RANGE:
    case WEIR_TOKEN_IF_MATCH:
    case WEIR_TOKEN_IF_NONE_MATCH:
    case WEIR_TOKEN_IF_MODIFIED_SINCE:
    case WEIR_TOKEN_IF_UNMODIFIED_SINCE:
    case WEIR_TOKEN_IF_RANGE:
    case WEIR_TOKEN_FORWARDED:
    case WEIR_TOKEN_X_FORWARDED_FOR:
    case WEIR_TOKEN_X_FORWARDED_HOST:
    case WEIR_TOKEN_X_FORWARDED_PROTO:
    case WEIR_TOKEN_X_FORWARDED_PORT:
    case WEIR_TOKEN_X_FORWARDED_CLIENT_CERT:
    case WEIR_TOKEN_X_REAL_IP:
    case WEIR_TOKEN_X_ENVOY_INTERNAL:
    case WEIR_TOKEN_TRAILER:
    case WEIR_TOKEN_LOCATION:
    case WEIR_TOKEN_RETRY_AFTER:
    case WEIR_TOKEN_VARY:
    case WEIR_TOKEN_AGE:
    case WEIR_TOKEN_DATE:
    case WEIR_TOKEN_EXPIRES:
      return true;
    default:
      return false;
  }
}

}  // namespace weir::h1
