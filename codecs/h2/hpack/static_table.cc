#include "codecs/h2/hpack/static_table.h"

#include <string_view>

#include "codecs/h2/hpack/names.h"

namespace weir::h2::hpack {
namespace {

struct Row {
  uint16_t token;
  std::string_view value;
};

constexpr std::array<Row, kStaticCount + 1> kRows = {{
    {WEIR_TOKEN_UNKNOWN, ""},
    {kPseudoAuthority, ""},
    {kPseudoMethod, "GET"},
    {kPseudoMethod, "POST"},
    {kPseudoPath, "/"},
    {kPseudoPath, "/index.html"},
    {kPseudoScheme, "http"},
    {kPseudoScheme, "https"},
    {kPseudoStatus, "200"},
    {kPseudoStatus, "204"},
    {kPseudoStatus, "206"},
    {kPseudoStatus, "304"},
    {kPseudoStatus, "400"},
    {kPseudoStatus, "404"},
    {kPseudoStatus, "500"},
    {WEIR_TOKEN_ACCEPT_CHARSET, ""},
    {WEIR_TOKEN_ACCEPT_ENCODING, "gzip, deflate"},
    {WEIR_TOKEN_ACCEPT_LANGUAGE, ""},
    {WEIR_TOKEN_ACCEPT_RANGES, ""},
    {WEIR_TOKEN_ACCEPT, ""},
    {WEIR_TOKEN_ACCESS_CONTROL_ALLOW_ORIGIN, ""},
    {WEIR_TOKEN_AGE, ""},
    {WEIR_TOKEN_ALLOW, ""},
    {WEIR_TOKEN_AUTHORIZATION, ""},
    {WEIR_TOKEN_CACHE_CONTROL, ""},
    {WEIR_TOKEN_CONTENT_DISPOSITION, ""},
    {WEIR_TOKEN_CONTENT_ENCODING, ""},
    {WEIR_TOKEN_CONTENT_LANGUAGE, ""},
    {WEIR_TOKEN_CONTENT_LENGTH, ""},
    {WEIR_TOKEN_CONTENT_LOCATION, ""},
    {WEIR_TOKEN_CONTENT_RANGE, ""},
    {WEIR_TOKEN_CONTENT_TYPE, ""},
    {WEIR_TOKEN_COOKIE, ""},
    {WEIR_TOKEN_DATE, ""},
    {WEIR_TOKEN_ETAG, ""},
    {WEIR_TOKEN_EXPECT, ""},
    {WEIR_TOKEN_EXPIRES, ""},
    {WEIR_TOKEN_FROM, ""},
    {WEIR_TOKEN_HOST, ""},
    {WEIR_TOKEN_IF_MATCH, ""},
    {WEIR_TOKEN_IF_MODIFIED_SINCE, ""},
    {WEIR_TOKEN_IF_NONE_MATCH, ""},
    {WEIR_TOKEN_IF_RANGE, ""},
    {WEIR_TOKEN_IF_UNMODIFIED_SINCE, ""},
    {WEIR_TOKEN_LAST_MODIFIED, ""},
    {WEIR_TOKEN_LINK, ""},
    {WEIR_TOKEN_LOCATION, ""},
    {WEIR_TOKEN_MAX_FORWARDS, ""},
    {WEIR_TOKEN_PROXY_AUTHENTICATE, ""},
    {WEIR_TOKEN_PROXY_AUTHORIZATION, ""},
    {WEIR_TOKEN_RANGE, ""},
    {WEIR_TOKEN_REFERER, ""},
    {WEIR_TOKEN_REFRESH, ""},
    {WEIR_TOKEN_RETRY_AFTER, ""},
    {WEIR_TOKEN_SERVER, ""},
    {WEIR_TOKEN_SET_COOKIE, ""},
    {WEIR_TOKEN_STRICT_TRANSPORT_SECURITY, ""},
    {WEIR_TOKEN_TRANSFER_ENCODING, ""},
    {WEIR_TOKEN_USER_AGENT, ""},
    {WEIR_TOKEN_VARY, ""},
    {WEIR_TOKEN_VIA, ""},
    {WEIR_TOKEN_WWW_AUTHENTICATE, ""},
}};

constexpr std::array<StaticEntry, kStaticCount + 1> MakeTable() {
  std::array<StaticEntry, kStaticCount + 1> table{};
  for (size_t i = 1; i <= kStaticCount; ++i) {
    const std::string_view name = KnownName(kRows[i].token);
    weir_field& field = table[i].field;
    field.name = name.data();
    field.name_size = static_cast<uint16_t>(name.size());
    field.value = kRows[i].value.data();
    field.value_size = static_cast<uint32_t>(kRows[i].value.size());
    field.token = kRows[i].token;
    field.flags = kFieldChecked;
    table[i].size = field.name_size + field.value_size + kFieldOverhead;
  }
  return table;
}

constexpr std::array<uint8_t, WEIR_TOKEN_COUNT> MakeNameIndices() {
  std::array<uint8_t, WEIR_TOKEN_COUNT> indices{};
  for (size_t i = kStaticCount; i > 0; --i) {
    if (!IsPseudo(kRows[i].token)) indices[kRows[i].token] = static_cast<uint8_t>(i);
  }
  return indices;
}

constexpr std::array<uint8_t, WEIR_TOKEN_COUNT> kNameIndices = MakeNameIndices();

// In the order of the pseudo tokens, from :authority to :protocol.
constexpr uint8_t kPseudoIndices[] = {1, 2, 4, 6, 8, 0};

}  // namespace

constexpr std::array<StaticEntry, kStaticCount + 1> kStaticTable = MakeTable();

uint32_t StaticNameIndex(uint16_t token) {
  if (token < WEIR_TOKEN_COUNT) return kNameIndices[token];
  return token >= kPseudoFirst && token < kPseudoUnknown ? kPseudoIndices[token - kPseudoFirst] : 0;
}

uint32_t StaticStatusIndex(uint32_t status) {
  switch (status) {
    case 200:
      return 8;
    case 204:
      return 9;
    case 206:
      return 10;
    case 304:
      return 11;
    case 400:
      return 12;
    case 404:
      return 13;
    case 500:
      return 14;
    default:
      return 0;
  }
}

}  // namespace weir::h2::hpack
