#include "filters/http/direct_response/direct_response.h"

#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "plugins/sdk/config_node.h"
#include "plugins/sdk/field_rules.h"
#include "plugins/sdk/view.h"
#include "plugins/util/token.h"

namespace weir::filters {
namespace {

using sdk::ConfigNode;
using sdk::View;

constexpr std::size_t kMaxBody = 1 << 20;
constexpr std::size_t kMaxHeaders = 100;
constexpr std::size_t kMaxValue = 16384;
constexpr std::string_view kDetails = "direct_response";

struct Config {
  const weir_http_api* http = nullptr;
  std::uint32_t status = 200;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<weir_field> fields;  // views of `headers`
};

// `body: text`, or Envoy's data source with inline_string.
bool LoadBody(const ConfigNode& node, std::string* out) {
  if (!node) return true;
  bool ok = true;
  if (node.IsMap()) {
    for (const char* key : {"filename", "inline_bytes", "environment_variable"}) {
      ok = node.Refuse(key, "is not available: use inline_string") && ok;
    }
    const ConfigNode text = node.Get("inline_string");
    if (!text) return ok && node.Fail("body needs inline_string");
    ok = text.Read(out) && ok;
  } else {
    ok = node.Read(out);
  }
  return ok && (out->size() <= kMaxBody || node.Fail("a body of more than 1048576 bytes"));
}

bool LoadHeader(const ConfigNode& entry, Config* config) {
  if (!entry.ExpectMap("a header")) return false;
  const ConfigNode key = entry.Get("key");
  const ConfigNode value = entry.Get("value");
  if (!key || !value) return entry.Fail("a header needs key and value");
  std::pair<std::string, std::string> header;
  if (!key.Read(&header.first) || !value.Read(&header.second)) return false;
  sdk::LowerCase(&header.first);
  if (const char* problem = sdk::FieldNameProblem(header.first)) {
    return key.Fail("\"" + header.first.substr(0, 80) + "\" is " + problem);
  }
  if (header.second.size() > kMaxValue || !sdk::IsFieldValue(header.second)) {
    return value.Fail("not a field value, or one of more than 16384 bytes");
  }
  config->headers.push_back(std::move(header));
  return true;
}

bool LoadHeaders(const ConfigNode& node, Config* config) {
  if (!node) return true;
  if (!node.ExpectList("headers")) return false;
  if (node.size() > kMaxHeaders) return node.Fail("headers has more than 100 entries");
  bool ok = true;
  for (std::size_t i = 0; i < node.size(); ++i) ok = LoadHeader(node.At(i), config) && ok;
  return ok;
}

weir_field MakeField(const std::string& name, const std::string& value) {
  weir_field field{};
  field.token = util::FindToken(name);
  field.name = name.data();
  field.name_size = static_cast<std::uint16_t>(name.size());
  field.value = value.data();
  field.value_size = static_cast<std::uint32_t>(value.size());
  return field;
}

bool Load(const ConfigNode& root, Config* config) {
  if (!root || root.IsNull()) return true;
  if (!root.ExpectMap("direct_response")) return false;
  bool ok = true;
  if (const ConfigNode status = root.Get("status")) {
    std::int64_t value = 0;
    ok = status.Read(200, 599, &value);
    config->status = static_cast<std::uint32_t>(value);
  }
  ok = LoadBody(root.Get("body"), &config->body) && ok;
  ok = LoadHeaders(root.Get("headers"), config) && ok;
  // Only now: the strings have found their place.
  for (const auto& [name, value] : config->headers) {
    config->fields.push_back(MakeField(name, value));
  }
  return ok;
}

void* ConfigNew(const weir_host* host, const weir_http_api* http, const weir_node* node,
                std::uint32_t) {
  const ConfigNode root(host, node);
  try {
    auto config = std::make_unique<Config>();
    config->http = http;
    return Load(root, config.get()) ? config.release() : nullptr;
  } catch (const std::bad_alloc&) {
    root.Fail("no memory is left");
    return nullptr;
  }
}

void ConfigFree(void* config) {
  delete static_cast<Config*>(config);
}

std::int32_t RequestHeaders(void* self, weir_stream* stream, std::uint32_t) {
  const auto& base = *static_cast<const Config*>(self);
  const auto* route = static_cast<const Config*>(base.http->route_config(stream));
  const Config& config = route != nullptr ? *route : base;
  const std::int32_t status =
      base.http->local_reply(stream, config.status, View(config.body), config.fields.data(),
                             static_cast<std::uint32_t>(config.fields.size()), View(kDetails));
  return status < 0 ? status : WEIR_STOP_ALL;
}

}  // namespace

const weir_http_filter_api kHttpDirectResponseApi = {
    .struct_size = sizeof(weir_http_filter_api),
    .flags = 0,
    .state_size = 0,
    .reserved = 0,
    .config_new = ConfigNew,
    .config_free = ConfigFree,
    .create = nullptr,
    .destroy = nullptr,
    .request_headers = RequestHeaders,
    .request_data = nullptr,
    .request_trailers = nullptr,
    .response_interim = nullptr,
    .response_headers = nullptr,
    .response_data = nullptr,
    .response_trailers = nullptr,
    .complete = nullptr,
};

}  // namespace weir::filters
