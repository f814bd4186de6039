#include "codecs/h2/head_reader.h"

#include <cstring>

#include "plugins/util/ascii.h"

namespace weir::h2 {
namespace {

constexpr HeadFault kGood{};

constexpr HeadFault Malformed(const char* detail) {
  return {0, detail};
}

std::string_view Value(const weir_field& field) {
  return {field.value, field.value_size};
}

weir_view ViewOf(const weir_field& field) {
  return {field.value, field.value_size};
}

constexpr uint32_t Bit(uint16_t pseudo) {
  return 1u << (pseudo - hpack::kPseudoFirst);
}

constexpr uint32_t kMethod = Bit(hpack::kPseudoMethod);
constexpr uint32_t kScheme = Bit(hpack::kPseudoScheme);
constexpr uint32_t kPath = Bit(hpack::kPseudoPath);
constexpr uint32_t kAuthority = Bit(hpack::kPseudoAuthority);
constexpr uint32_t kProtocol = Bit(hpack::kPseudoProtocol);
constexpr uint32_t kStatus = Bit(hpack::kPseudoStatus);

// Digits alone: no sign, no blank, no list (RFC 9110 section 8.6).
bool ReadLength(std::string_view text, uint64_t* out) {
  if (text.empty() || text.size() > 19) return false;
  uint64_t value = 0;
  for (const char c : text) {
    if (!util::IsDigit(c)) return false;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  *out = value;
  return true;
}

bool ReadStatus(std::string_view text, uint16_t* out) {
  if (text.size() != 3) return false;
  uint32_t value = 0;
  for (const char c : text) {
    if (!util::IsDigit(c)) return false;
    value = value * 10 + static_cast<uint32_t>(c - '0');
  }
  *out = static_cast<uint16_t>(value);
  return value >= 100 && value <= 599;
}

bool HasUpperCase(const weir_field& field) {
  for (uint16_t i = 0; i < field.name_size; ++i) {
    if (static_cast<unsigned char>(field.name[i] - 'A') < 26) return true;
  }
  return false;
}

// Without the port when it is the scheme's own.
std::string_view WithoutDefaultPort(std::string_view authority, std::string_view scheme) {
  const std::string_view port = scheme == "https" ? ":443" : ":80";
  if (authority.size() > port.size() && authority.substr(authority.size() - port.size()) == port) {
    authority.remove_suffix(port.size());
  }
  return authority;
}

bool SameAuthority(std::string_view a, std::string_view b, std::string_view scheme) {
  a = WithoutDefaultPort(a, scheme);
  b = WithoutDefaultPort(b, scheme);
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (util::ToLower(a[i]) != util::ToLower(b[i])) return false;
  }
  return true;
}

}  // namespace

void HeadReader::Start(uint8_t kind) {
  *head_ = weir_head{};
  head_->struct_size = sizeof(weir_head);
  head_->kind = kind;
  head_->http_version = 20;
  head_->fields = block_->fields;
}

HeadFault HeadReader::Pseudo(const weir_field& field, uint32_t* seen) {
  if (field.token == hpack::kPseudoUnknown) return Malformed("http2.unknown_pseudo_field");
  const uint32_t bit = Bit(field.token);
  if ((*seen & bit) != 0) return Malformed("http2.repeated_pseudo_field");
  *seen |= bit;
  switch (field.token) {
    case hpack::kPseudoMethod:
      head_->method = ViewOf(field);
      break;
    case hpack::kPseudoScheme:
      head_->scheme = ViewOf(field);
      break;
    case hpack::kPseudoPath:
      head_->path = ViewOf(field);
      break;
    case hpack::kPseudoAuthority:
      head_->authority = ViewOf(field);
      break;
    case hpack::kPseudoProtocol:
      head_->protocol = ViewOf(field);
      break;
    default:
      if (!ReadStatus(Value(field), &head_->status)) return Malformed("http2.bad_status");
  }
  return kGood;
}

// Fields of HTTP/1.1 that speak of its connection have no place here (section 8.2.2); the others of
// the framing names become values.
HeadFault HeadReader::Framing(const weir_field& field, bool request) {
  switch (field.token) {
    case WEIR_TOKEN_CONTENT_LENGTH:
      if ((head_->flags & WEIR_HEAD_HAS_LENGTH) != 0) return Malformed("http2.repeated_length");
      if (!ReadLength(Value(field), &head_->content_length)) return Malformed("http2.bad_length");
      head_->flags |= WEIR_HEAD_HAS_LENGTH;
      return kGood;
    case WEIR_TOKEN_TE:
      if (!request || !util::EqualsLower(Value(field), "trailers")) return Malformed("http2.te");
      head_->flags |= WEIR_HEAD_TE_TRAILERS;
      return kGood;
    case WEIR_TOKEN_HOST:
      if (!request) return kGood;  // says nothing in a response
      if (host_.data() != nullptr) return Malformed("http2.repeated_host");
      host_ = Value(field);
      return kGood;
    case WEIR_TOKEN_EXPECT:
      if (!request) return kGood;
      if (!util::EqualsLower(Value(field), "100-continue"))
        return {417, "http2.unknown_expectation"};
      if (!end_stream_) head_->flags |= WEIR_HEAD_EXPECT_CONTINUE;
      return kGood;
    default:
      return Malformed("http2.connection_field");
  }
}

HeadFault HeadReader::Field(weir_field* field, bool request) {
  if (field->token != 0 && field->token <= WEIR_TOKEN_HTTP2_SETTINGS)
    return Framing(*field, request);
  if (field->token == 0 && (field->name_size == 0 || HasUpperCase(*field)))
    return Malformed("http2.bad_field_name");
  if (field->token == WEIR_TOKEN_COOKIE) ++cookies_;
  if (field->token == WEIR_TOKEN_PRIORITY && request) {
    priority = OverlayPriority(priority, ParsePriorityValue(Value(*field)));
    has_priority = true;
  }
  block_->fields[kept_++] = *field;
  return kGood;
}

// Pseudo-fields come first (section 8.3).
HeadFault HeadReader::Collect(bool request) {
  uint32_t i = 0;
  HeadFault fault;
  for (; i < block_->count && hpack::IsPseudo(block_->fields[i].token); ++i) {
    fault = Pseudo(block_->fields[i], &seen_);
    if (fault.detail != nullptr) return fault;
  }
  for (; i < block_->count; ++i) {
    if (hpack::IsPseudo(block_->fields[i].token)) return Malformed("http2.late_pseudo_field");
    fault = Field(&block_->fields[i], request);
    if (fault.detail != nullptr) return fault;
  }
  if (cookies_ > 1 && !JoinCookies()) return {431, "http2.cookies_too_large"};
  head_->field_count = kept_;
  return kGood;
}

// Crumbs become one field with "; " between them (section 8.2.3), where the first one stood.
bool HeadReader::JoinCookies() {
  weir_field* first = nullptr;
  uint32_t kept = 0;
  char* at = block_->at;
  for (uint32_t i = 0; i < kept_; ++i) {
    weir_field& field = block_->fields[i];
    if (field.token != WEIR_TOKEN_COOKIE) {
      block_->fields[kept++] = field;
      continue;
    }
    if (static_cast<size_t>(block_->limit - at) < field.value_size + size_t{2}) return false;
    if (first != nullptr) {
      *at++ = ';';
      *at++ = ' ';
      first->flags |= field.flags;
    }
    std::memcpy(at, field.value, field.value_size);
    at += field.value_size;
    if (first == nullptr) {
      block_->fields[kept] = field;
      first = &block_->fields[kept++];
    }
  }
  if (first == nullptr) return true;  // there was none
  first->value = block_->at;
  first->value_size = static_cast<uint32_t>(at - block_->at);
  block_->at = at;
  kept_ = kept;
  return true;
}

// Sections 8.5, and RFC 8441 section 4. Inside, a tunnel that an extended CONNECT asks for looks
// like HTTP/1.1's upgrade: routes and filters see one form.
HeadFault HeadReader::Tunnel(uint32_t seen) {
  if ((seen & kProtocol) == 0) {
    if ((seen & (kScheme | kPath)) != 0 || (seen & kAuthority) == 0 || head_->authority.size == 0)
      return Malformed("http2.bad_connect");
    if (!accept_connect) return {501, "http2.connect_not_allowed"};
  } else {
    if (!accept_tunnels ||
        (seen & (kScheme | kPath | kAuthority)) != (kScheme | kPath | kAuthority))
      return Malformed("http2.bad_extended_connect");
    head_->method = {"GET", 3};
  }
  if ((head_->flags & WEIR_HEAD_HAS_LENGTH) != 0) return Malformed("http2.connect_with_length");
  head_->flags |= WEIR_HEAD_TUNNEL;
  head_->flags &= ~static_cast<uint32_t>(WEIR_HEAD_EXPECT_CONTINUE | WEIR_HEAD_TE_TRAILERS);
  return kGood;
}

// Host and :authority say the same, or one of them is not there (section 8.3.1).
HeadFault HeadReader::Authority() {
  if (head_->authority.size == 0) {
    if (host_.empty()) return {400, "http2.missing_authority"};
    head_->authority = {host_.data(), host_.size()};
  }
  const std::string_view authority(head_->authority.data, head_->authority.size);
  // RFC 3986's userinfo is not allowed in http and https (section 8.3.1).
  if (authority.find('@') != authority.npos) return {400, "http2.userinfo_in_authority"};
  const std::string_view scheme(head_->scheme.data, head_->scheme.size);
  if (host_.data() != nullptr && !SameAuthority(authority, host_, scheme))
    return {400, "http2.host_differs_from_authority"};
  return kGood;
}

HeadFault HeadReader::Request() {
  Start(WEIR_HEAD_REQUEST);
  HeadFault fault = Collect(/*request=*/true);
  if (fault.detail != nullptr) return fault;
  if ((seen_ & kStatus) != 0) return Malformed("http2.status_in_request");
  if ((seen_ & kMethod) == 0 || head_->method.size == 0) return Malformed("http2.missing_method");
  const std::string_view method(head_->method.data, head_->method.size);
  if (method == "CONNECT") {
    fault = Tunnel(seen_);
  } else {
    if ((seen_ & (kScheme | kPath)) != (kScheme | kPath)) return Malformed("http2.missing_path");
    if ((seen_ & kProtocol) != 0) return Malformed("http2.protocol_without_connect");
    const std::string_view path(head_->path.data, head_->path.size);
    if (path.empty()) return Malformed("http2.empty_path");
    if (path == "*" ? method != "OPTIONS" : path[0] != '/') return {400, "http2.bad_path"};
  }
  if (fault.detail != nullptr) return fault;
  if (end_stream_ && (head_->flags & WEIR_HEAD_HAS_LENGTH) != 0 && head_->content_length != 0)
    return Malformed("http2.length_without_body");
  return Authority();
}

HeadFault HeadReader::Response() {
  Start(WEIR_HEAD_RESPONSE);
  const HeadFault fault = Collect(/*request=*/false);
  if (fault.detail != nullptr) return fault;
  if (seen_ != kStatus) return Malformed("http2.bad_pseudo_fields_in_response");
  if (head_->status == 101) return Malformed("http2.switching_protocols");
  if (head_->status >= 200) return kGood;
  if (end_stream_) return Malformed("http2.interim_response_ends_stream");
  head_->kind = WEIR_HEAD_INTERIM;
  // An interim response has no content (RFC 9110 section 15.2).
  head_->flags &= ~static_cast<uint32_t>(WEIR_HEAD_HAS_LENGTH);
  head_->content_length = 0;
  return kGood;
}

// Section 8.1: no pseudo-fields; and nothing in them may change how the message is framed or
// routed.
HeadFault HeadReader::Trailers() {
  Start(WEIR_HEAD_TRAILERS);
  for (uint32_t i = 0; i < block_->count; ++i) {
    weir_field& field = block_->fields[i];
    if (hpack::IsPseudo(field.token)) return Malformed("http2.pseudo_field_in_trailers");
    if (field.token != 0 && field.token <= WEIR_TOKEN_HTTP2_SETTINGS) {
      // RFC 9110 section 6.5.1: not for trailers; what speaks of the connection is malformed.
      if (field.token == WEIR_TOKEN_CONTENT_LENGTH || field.token == WEIR_TOKEN_HOST ||
          field.token == WEIR_TOKEN_EXPECT) {
        continue;
      }
      return Malformed("http2.connection_field");
    }
    if (field.token == 0 && (field.name_size == 0 || HasUpperCase(field)))
      return Malformed("http2.bad_field_name");
    block_->fields[kept_++] = field;
  }
  head_->field_count = kept_;
  return kGood;
}

}  // namespace weir::h2
