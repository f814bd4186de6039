#include "codecs/h1/header_block.h"

#include "plugins/util/ascii.h"
#include "plugins/util/scan.h"
#include "plugins/util/token.h"

namespace weir::h1 {

namespace {

using util::EqualsLower;
using util::IsOws;
using util::TrimOws;

Parse NameFault(const char* line, const char* at, Fault* fault) {
  if (at == line && IsOws(*at)) return Fail(fault, 400, at, "http1.obs_fold");
  if (IsOws(*at)) return Fail(fault, 400, at, "http1.space_before_colon");
  if (*at == ':') return Fail(fault, 400, at, "http1.empty_field_name");
  return Fail(fault, 400, at, "http1.invalid_field_name");
}

Parse ValueFault(const char* at, Fault* fault) {
  if (*at == '\r') return Fail(fault, 400, at, "http1.bare_cr");
  if (*at == '\n') return Fail(fault, 400, at, "http1.bare_lf");
  return Fail(fault, 400, at, "http1.invalid_field_value");
}

// Whether a list of tokens with parameters has `lower` as a member; "te: trailers, deflate;q=0.5".
bool ListHas(std::string_view list, std::string_view lower) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    if (EqualsLower(TrimOws(list.substr(0, comma)), lower)) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

void Expect(FramingFields* framing, std::string_view value) {
  framing->expect = value;
  if (EqualsLower(value, "100-continue")) {
    framing->expect_continue = true;
  } else {
    framing->expect_other = true;
  }
}

Parse CollectFraming(uint16_t token, std::string_view value, FramingFields* framing, Fault* fault) {
  switch (token) {
    case WEIR_TOKEN_CONTENT_LENGTH:
      if (framing->content_lengths++ == 0) framing->content_length = value;
      if (framing->content_length != value) framing->lengths_differ = true;
      break;
    case WEIR_TOKEN_TRANSFER_ENCODING:
      if (framing->transfer_encodings++ == 0) framing->transfer_encoding = value;
      break;
    case WEIR_TOKEN_CONNECTION:
      if (framing->connections == kMaxConnectionFields) {
        return Fail(fault, 400, value.data(), "http1.too_many_connection_fields");
      }
      framing->connection[framing->connections++] = value;
      break;
    case WEIR_TOKEN_UPGRADE:
      if (framing->upgrades++ == 0) framing->upgrade = value;
      break;
    case WEIR_TOKEN_TE:
      if (ListHas(value, "trailers")) framing->te_trailers = true;
      break;
    case WEIR_TOKEN_HOST:
      if (framing->hosts++ == 0) framing->host = value;
      break;
    case WEIR_TOKEN_EXPECT:
      Expect(framing, value);
      break;
    default:  // keep-alive, proxy-connection, http2-settings end here
      break;
  }
  return Parse::kDone;
}

}  // namespace

Parse ParseFields(char** at, char* const end, FieldBlock* block, FramingFields* framing,
                  Fault* fault) {
  char* line = *at;
  weir_field* field = block->fields + block->count;
  uint32_t left = block->max_count - block->lines;
  while (true) {
    if (line >= end) return Parse::kPartial;
    const size_t name_size = util::LowerName(line, end);
    char* const colon = line + name_size;
    if (colon == end) return Parse::kPartial;
    if (name_size == 0 && *line == '\r') {
      if (line + 1 == end) return Parse::kPartial;
      if (line[1] != '\n') return Fail(fault, 400, line, "http1.bare_cr");
      block->count = static_cast<uint32_t>(field - block->fields);
      block->lines = block->max_count - left;
      *at = line + 2;
      return Parse::kDone;
    }
    if (*colon != ':' || name_size == 0) return NameFault(line, colon, fault);
    if (left == 0) return Fail(fault, 431, line, "http1.too_many_fields");
    if (name_size > UINT16_MAX) return Fail(fault, 431, line, "http1.field_name_too_long");

    char* value = colon + 1;
    bool exact = *value == ' ';
    value += exact;
    while (value < end && IsOws(*value)) {
      ++value;
      exact = false;
    }
    char* const cr = const_cast<char*>(util::FindValueEnd(value, end));
    if (cr >= end) return Parse::kPartial;
    if (*cr != '\r') return ValueFault(cr, fault);
    if (cr + 1 == end) return Parse::kPartial;
    if (cr[1] != '\n') return ValueFault(cr, fault);
    char* value_end = cr;
    while (value_end > value && IsOws(value_end[-1])) {
      --value_end;
      exact = false;
    }

    --left;
    const auto value_size = static_cast<uint32_t>(value_end - value);
    const uint16_t token = util::FindToken(line, name_size);
    if (util::IsFramingToken(token)) {
      if (CollectFraming(token, {value, value_size}, framing, fault) != Parse::kDone) {
        return Parse::kFault;
      }
    } else {
      field->name = line;
      field->value = value;
      field->value_size = value_size;
      field->name_size = static_cast<uint16_t>(name_size);
      field->token = token;
      field->flags = 0;
      field->raw_form = exact ? block->raw_form : uint8_t{0};
      field->raw_tail = exact ? 2 : 0;
      field->reserved = 0;
      ++field;
    }
    line = cr + 2;
  }
}

void RemoveField(FieldBlock* block, std::string_view name) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < block->count; ++i) {
    const weir_field& field = block->fields[i];
    if (std::string_view(field.name, field.name_size) != name) block->fields[kept++] = field;
  }
  block->count = kept;
}

const weir_field* FindField(const FieldBlock& block, uint16_t token) {
  for (uint32_t i = 0; i < block.count; ++i) {
    if (block.fields[i].token == token) return &block.fields[i];
  }
  return nullptr;
}

}  // namespace weir::h1
