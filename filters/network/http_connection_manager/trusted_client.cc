#include "filters/network/http_connection_manager/trusted_client.h"

#include <cstring>

#include "plugins/util/ascii.h"
#include "plugins/util/ip_address.h"

namespace weir::hcm {
namespace {

// Entries of one value from the right, each without its blanks. False: it has no more.
bool TakeLast(std::string_view* list, std::string_view* entry) {
  if (list->data() == nullptr) return false;
  const std::size_t comma = list->rfind(',');
  const bool more = comma != std::string_view::npos;
  *entry = util::TrimOws(more ? list->substr(comma + 1) : *list);
  *list = more ? list->substr(0, comma) : std::string_view();
  return true;
}

}  // namespace

std::string_view TrustedClient(const config::HttpConnectionManager& settings,
                               http::Message* request) {
  std::uint32_t wanted = settings.xff_num_trusted_hops + (settings.use_remote_address ? 0 : 1);
  if (wanted == 0) return {};
  // Several fields of the name are one list.
  for (std::uint32_t i = request->count(); i > 0; --i) {
    const weir_field& field = request->field(i - 1);
    if (field.token != WEIR_TOKEN_X_FORWARDED_FOR || http::Removed(field)) continue;
    std::string_view list = http::Value(field);
    std::string_view entry;
    while (TakeLast(&list, &entry)) {
      if (--wanted > 0) continue;
      return util::ParseIp(entry) ? entry : std::string_view();
    }
  }
  return {};
}

std::size_t PrintClient(std::string_view ip, char* room) {
  if (ip.empty() || ip.size() + 4 > kTrustedClientText) return 0;
  const bool v6 = ip.find(':') != std::string_view::npos;
  char* at = room;
  if (v6) *at++ = '[';
  std::memcpy(at, ip.data(), ip.size());
  at += ip.size();
  if (v6) *at++ = ']';
  *at++ = ':';
  *at++ = '0';
  return static_cast<std::size_t>(at - room);
}

}  // namespace weir::hcm
