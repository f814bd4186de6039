#include "codecs/h1/head_writer.h"

#include "plugins/util/token.h"

namespace weir::h1 {

std::string_view ReasonPhrase(uint32_t status) {
  switch (status) {
    // clang-format off
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 102: return "Processing";
    case 103: return "Early Hints";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 203: return "Non-Authoritative Information";
    case 204: return "No Content";
    case 205: return "Reset Content";
    case 206: return "Partial Content";
    case 207: return "Multi-Status";
    case 208: return "Already Reported";
    case 226: return "IM Used";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 305: return "Use Proxy";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 418: return "I'm a teapot";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 423: return "Locked";
    case 424: return "Failed Dependency";
    case 425: return "Too Early";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 451: return "Unavailable For Legal Reasons";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 506: return "Variant Also Negotiates";
    case 507: return "Insufficient Storage";
    case 508: return "Loop Detected";
    case 511: return "Network Authentication Required";
    default: return "";
      // clang-format on
  }
}

void WriteStatusLine(uint32_t status, Output* out) {
  if (status == 200) {
    out->Put("HTTP/1.1 200 OK\r\n");
    return;
  }
  const std::string_view reason = ReasonPhrase(status);
  char* at = out->Room(15 + reason.size());
  if (at == nullptr) return;
  std::memcpy(at, "HTTP/1.1 ", 9);
  at += 9;
  *at++ = static_cast<char>('0' + status / 100 % 10);
  *at++ = static_cast<char>('0' + status / 10 % 10);
  *at++ = static_cast<char>('0' + status % 10);
  *at++ = ' ';
  std::memcpy(at, reason.data(), reason.size());
  at += reason.size();
  *at++ = '\r';
  *at++ = '\n';
  out->Wrote(at);
}

void WriteRequestLine(std::string_view method, std::string_view target, std::string_view authority,
                      Output* out) {
  constexpr std::string_view kVersionAndHost = " HTTP/1.1\r\nhost: ";
  const size_t size = method.size() + 1 + target.size() + kVersionAndHost.size() + authority.size();
  if (size + 2 > Output::kMaxRoom) {
    out->Put(method);
    out->Put(" ");
    out->Put(target);
    out->Put(kVersionAndHost);
    out->Put(authority);
    out->Put("\r\n");
    return;
  }
  char* at = out->Room(size + 2);
  if (at == nullptr) return;
  std::memcpy(at, method.data(), method.size());
  at += method.size();
  *at++ = ' ';
  std::memcpy(at, target.data(), target.size());
  at += target.size();
  std::memcpy(at, kVersionAndHost.data(), kVersionAndHost.size());
  at += kVersionAndHost.size();
  std::memcpy(at, authority.data(), authority.size());
  at += authority.size();
  *at++ = '\r';
  *at++ = '\n';
  out->Wrote(at);
}

void WriteFields(const weir_field* fields, uint32_t count, uint8_t raw_form, Output* out,
                 uint16_t except) {
  const weir_field* const end = fields + count;
  while (fields != end) {
    const weir_field& field = *fields++;
    if ((field.flags & WEIR_FIELD_REMOVED) != 0) continue;
    if (field.token == except && except != WEIR_TOKEN_UNSET) continue;
    if (field.raw_form == raw_form) {
      const char* run_end = field.value + field.value_size + field.raw_tail;
      while (fields != end && fields->raw_form == raw_form && fields->name == run_end &&
             (fields->flags & WEIR_FIELD_REMOVED) == 0 &&
             (fields->token != except || except == WEIR_TOKEN_UNSET)) {
        run_end = fields->value + fields->value_size + fields->raw_tail;
        ++fields;
      }
      out->Put(field.name, static_cast<size_t>(run_end - field.name));
      continue;
    }
    if (util::IsFramingToken(field.token)) continue;
    out->Put(field.name, field.name_size);
    out->Put(": ");
    out->Put(field.value, field.value_size);
    out->Put("\r\n");
  }
}

namespace {

void WriteConnection(const HeadFraming& framing, Output* out) {
  if (!framing.upgrade.empty()) {
    out->Put("connection: upgrade\r\nupgrade: ");
    out->Put(framing.upgrade);
    out->Put("\r\n");
  } else if (framing.close) {
    out->Put(framing.te_trailers ? "connection: te, close\r\nte: trailers\r\n"
                                 : "connection: close\r\n");
  } else if (framing.te_trailers) {
    out->Put("connection: te\r\nte: trailers\r\n");
  } else if (framing.keep_alive) {
    out->Put("connection: keep-alive\r\n");
  }
}

void WriteLine(std::string_view name, std::string_view value, Output* out) {
  out->Put(name);
  out->Put(value);
  out->Put("\r\n");
}

}  // namespace

void WriteFraming(const HeadFraming& framing, Output* out) {
  WriteConnection(framing, out);
  if (!framing.ws_key.empty()) WriteLine("sec-websocket-key: ", framing.ws_key, out);
  if (!framing.ws_accept.empty()) WriteLine("sec-websocket-accept: ", framing.ws_accept, out);
  if (framing.ws_version) out->Put("sec-websocket-version: 13\r\n");
  if (framing.expect_continue) out->Put("expect: 100-continue\r\n");
  if (framing.has_length) {
    char* at = out->Room(40);
    if (at == nullptr) return;
    std::memcpy(at, "content-length: ", 16);
    at = util::WriteDecimal(at + 16, framing.length);
    std::memcpy(at, "\r\n\r\n", 4);
    out->Wrote(at + 4);
    return;
  }
  out->Put(framing.chunked ? "transfer-encoding: chunked\r\n\r\n" : "\r\n");
}

}  // namespace weir::h1
