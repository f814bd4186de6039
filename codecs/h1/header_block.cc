#include "codecs/h1/header_block.h"

#include "plugins/abi/tokens.h"
#include "plugins/util/ascii.h"
#include "plugins/util/scan.h"
#include "plugins/util/token.h"

namespace weir::h1 {

namespace {

using util::EqualsLower;
using util::IsOws;
using util::TrimOws;

weir_view View(std::string_view text) {
  return {text.data(), text.size()};
}

Parse NameFault(const char* line, const char* at, Fault* fault) {
  if (at == line && IsOws(*at)) return Fail(fault, 400, at, "http1.obs_fold");
  if (IsOws(*at)) return Fail(fault, 400, at, "http1.space_before_colon");
  if (*at == ':') return Fail(fault, 400, at, "http1.empty_field_name");
  return Fail(fault, 400, at, "http1.invalid_field_name");
}

Parse ValueFault(const char* at, Fault* fault) {
  if (*at == '\r') return Fail(fault, 400, at, "http1.bare_cr");
  if (*at == '\n') return Fail(fault, 400, at, "http1.bare_lf");
  return Fail(fault, 400, at, "http1.invalid_characters");
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
  framing->expect = View(value);
  if (EqualsLower(value, "100-continue")) {
    framing->expect_continue = true;
  } else {
    framing->expect_other = true;
  }
}

Parse CollectFraming(uint16_t token, std::string_view value, FramingFields* framing, Fault* fault) {
  switch (token) {
    case WEIR_TOKEN_CONTENT_LENGTH:
      if (framing->content_lengths++ == 0) framing->content_length = View(value);
      if (Text(framing->content_length) != value) framing->lengths_differ = true;
      break;
    case WEIR_TOKEN_TRANSFER_ENCODING:
      if (framing->transfer_encodings++ == 0) framing->transfer_encoding = View(value);
      break;
    case WEIR_TOKEN_CONNECTION:
      if (framing->connections == kMaxConnectionFields) {
        return Fail(fault, 400, value.data(), "http1.too_many_connection_fields");
      }
      framing->connection[framing->connections++] = View(value);
      break;
    case WEIR_TOKEN_UPGRADE:
      if (framing->upgrades++ == 0) framing->upgrade = View(value);
      break;
    case WEIR_TOKEN_TE:
      if (ListHas(value, "trailers")) framing->te_trailers = true;
      break;
    case WEIR_TOKEN_HOST:
      if (framing->hosts++ == 0) framing->host = View(value);
      break;
    case WEIR_TOKEN_EXPECT:
      Expect(framing, value);
      break;
    default:  // keep-alive, proxy-connection, http2-settings end here
      break;
  }
  return Parse::kDone;
}

struct Name {
  size_t size = 0;
  uint16_t token = 0;
#if WEIR_SCAN_X86
  // Letters to lower that are still to be written: a load of the value right behind the store would
  // have to wait for it.
  util::internal::NameBytes bytes;
  __m128i first;
#endif
  bool store = false;
};

// The usual name: up to 15 letters, digits and '-', then the colon. False for any other.
inline bool ReadShortName(const char* line, const char* end, Name* name) {
#if WEIR_SCAN_X86
  if (end - line < 16) return false;
  name->bytes = util::internal::LoadName(line);
  const unsigned other = ~name->bytes.good & 0xffffu;
  if (other == 0) return false;
  name->size = static_cast<size_t>(__builtin_ctz(other));
  if (name->size == 0 || line[name->size] != ':') return false;
  name->first = util::internal::FirstBytes(name->size);
  const __m128i lowered = _mm_and_si128(name->first, name->bytes.lowered);
  const util::NameKey key = {
      static_cast<uint64_t>(_mm_cvtsi128_si64(lowered)),
      static_cast<uint64_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(lowered, lowered)))};
  name->token = util::FindToken(key, line, name->size);
  name->store = (name->bytes.uppers & ((1u << name->size) - 1)) != 0;
  return true;
#else
  (void)line, (void)end, (void)name;
  return false;
#endif
}

inline void StoreName(char* line, const Name& name) {
#if WEIR_SCAN_X86
  if (name.store) util::internal::StoreLowered(line, name.bytes, name.first);
#else
  (void)line, (void)name;
#endif
}

Parse ReadLongName(char* line, const char* end, Name* name, Fault* fault) {
  name->size = util::LowerName(line, end);
  name->store = false;
  const char* const colon = line + name->size;
  if (colon == end) return Parse::kPartial;
  if (*colon != ':' || name->size == 0) return NameFault(line, colon, fault);
  if (name->size > UINT16_MAX) return Fail(fault, 431, line, "http1.field_name_too_long");
  name->token = util::FindToken(line, name->size);
  return Parse::kDone;
}

struct Value {
  char* begin;
  char* end;
  char* cr;
  bool exact;  // one space before it and nothing behind
};

inline Parse ReadValue(char* at, char* const end, Value* value, Fault* fault) {
  bool exact = *at == ' ';
  at += exact;
  while (at < end && IsOws(*at)) {
    ++at;
    exact = false;
  }
  char* const cr = const_cast<char*>(util::FindValueEnd(at, end));
  if (cr >= end) return Parse::kPartial;
  if (*cr != '\r') return ValueFault(cr, fault);
  if (cr + 1 == end) return Parse::kPartial;
  if (cr[1] != '\n') return ValueFault(cr, fault);
  char* value_end = cr;
  while (value_end > at && IsOws(value_end[-1])) {
    --value_end;
    exact = false;
  }
  *value = {at, value_end, cr, exact};
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
    if (*line == '\r') {
      if (line + 1 == end) return Parse::kPartial;
      if (line[1] != '\n') return Fail(fault, 400, line, "http1.bare_cr");
      break;
    }
    Name name;
    if (!ReadShortName(line, end, &name)) {
      const Parse parse = ReadLongName(line, end, &name, fault);
      if (parse != Parse::kDone) return parse;
    }
    if (left == 0) return Fail(fault, 431, line, "http1.too_many_headers");
    Value value;
    const Parse parse = ReadValue(line + name.size + 1, end, &value, fault);
    if (parse != Parse::kDone) return parse;
    StoreName(line, name);
    --left;
    const auto value_size = static_cast<uint32_t>(value.end - value.begin);
    if (util::IsFramingToken(name.token)) {
      if (CollectFraming(name.token, {value.begin, value_size}, framing, fault) != Parse::kDone) {
        return Parse::kFault;
      }
    } else {
      field->name = line;
      field->value = value.begin;
      field->value_size = value_size;
      field->name_size = static_cast<uint16_t>(name.size);
      field->token = name.token;
      field->flags = 0;
      field->raw_form = value.exact ? block->raw_form : uint8_t{0};
      field->raw_tail = value.exact ? 2 : 0;
      field->reserved = 0;
      ++field;
    }
    line = value.cr + 2;
  }
  block->count = static_cast<uint32_t>(field - block->fields);
  block->lines = block->max_count - left;
  *at = line + 2;
  return Parse::kDone;
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
