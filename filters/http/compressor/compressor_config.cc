#include "filters/http/compressor/compressor_config.h"

#include <algorithm>

#include "plugins/sdk/field_rules.h"
#include "plugins/util/ascii.h"

namespace weir::filters {
namespace {

using sdk::ConfigNode;

constexpr std::size_t kMaxTypes = 100;
constexpr std::size_t kMaxCodes = 100;

// Envoy's list, with the other names that these types go by.
constexpr std::string_view kDefaultTypes[] = {"application/javascript",
                                              "application/ecmascript",
                                              "application/json",
                                              "application/xml",
                                              "application/x-javascript",
                                              "application/xhtml+xml",
                                              "image/svg+xml",
                                              "text/css",
                                              "text/ecmascript",
                                              "text/html",
                                              "text/javascript",
                                              "text/plain",
                                              "text/xml"};

// {default_value, runtime_key}. There is no runtime layer, so the default holds, as in Envoy
// when the key is not set.
bool ReadFlag(const ConfigNode& node, bool* out) {
  if (!node) return true;
  if (node.IsScalar()) return node.Read(out);
  if (!node.ExpectMap("a flag")) return false;
  std::string key;
  const ConfigNode runtime_key = node.Get("runtime_key");
  const ConfigNode value = node.Get("default_value");
  bool ok = !runtime_key || runtime_key.Read(&key);
  if (value) ok = value.Read(out) && ok;
  return ok;
}

bool ReadBool(const ConfigNode& map, const char* key, bool* out) {
  const ConfigNode node = map.Get(key);
  return !node || node.Read(out);
}

// Requests are not compressed: their direction may only be switched off.
bool LoadRequest(const ConfigNode& node) {
  if (!node) return true;
  if (!node.ExpectMap("request_direction_config")) return false;
  const ConfigNode common = node.Get("common_config");
  bool enabled = false;
  if (common) {
    if (!common.ExpectMap("common_config") || !ReadFlag(common.Get("enabled"), &enabled)) {
      return false;
    }
    for (const char* key : {"min_content_length", "content_type"}) (void)common.Get(key);
  }
  return !enabled || node.Fail("compression of requests is not available");
}

}  // namespace

bool CompressorConfig::LoadTypes(const ConfigNode& node) {
  if (node && !node.Read(&content_types)) return false;
  if (content_types.size() > kMaxTypes) return node.Fail("content_type has more than 100 entries");
  if (content_types.empty())
    content_types.assign(std::begin(kDefaultTypes), std::end(kDefaultTypes));
  for (std::string& type : content_types) {
    sdk::LowerCase(&type);
    if (type.find('/') == std::string::npos || type.find(';') != std::string::npos) {
      return node.Fail("\"" + type.substr(0, 80) + "\" is no media type; expected type/subtype");
    }
  }
  return true;
}

bool CompressorConfig::LoadCommon(const ConfigNode& node) {
  if (!node) return LoadTypes(node);
  if (!node.ExpectMap("common_config")) return false;
  bool ok = ReadFlag(node.Get("enabled"), &enabled);
  if (const ConfigNode least = node.Get("min_content_length")) {
    std::int64_t value = 0;
    ok = least.Read(0, 1 << 30, &value) && ok;
    min_content_length = static_cast<std::uint64_t>(value);
  }
  return LoadTypes(node.Get("content_type")) && ok;
}

bool CompressorConfig::LoadCodes(const ConfigNode& node) {
  if (!node) return true;
  if (!node.ExpectList("uncompressible_response_codes")) return false;
  if (node.size() > kMaxCodes) return node.Fail("more than 100 codes");
  bool ok = true;
  for (std::size_t i = 0; i < node.size(); ++i) {
    std::int64_t code = 0;
    ok = node.At(i).Read(200, 599, &code) && ok;
    uncompressible_codes.push_back(static_cast<std::uint32_t>(code));
  }
  return ok;
}

bool CompressorConfig::LoadResponse(const ConfigNode& node) {
  if (!node) return LoadCommon(node);
  if (!node.ExpectMap("response_direction_config")) return false;
  bool ok = LoadCommon(node.Get("common_config"));
  ok = ReadBool(node, "disable_on_etag_header", &disable_on_etag) && ok;
  ok = ReadBool(node, "remove_accept_encoding_header", &remove_accept_encoding) && ok;
  ok = LoadCodes(node.Get("uncompressible_response_codes")) && ok;
  bool weaken = false;
  ok = ReadBool(node, "weaken_etag_on_compress", &weaken) && ok;
  // Weakened they are in any case.
  if (weaken) disable_on_etag = false;
  return ReadBool(node, "status_header_enabled", &status_header) && ok;
}

bool CompressorConfig::Load(const sdk::ConfigLoad& load) {
  const ConfigNode& root = load.node;
  if (!root) return root.Fail("compressor needs compressor_library or libraries");
  if (!root.ExpectMap("compressor")) return false;
  bool ok = libraries.Load(root);
  if (ok && libraries.empty()) ok = root.Fail("compressor needs compressor_library or libraries");
  ok = LoadResponse(root.Get("response_direction_config")) && ok;
  ok = LoadRequest(root.Get("request_direction_config")) && ok;
  for (const char* key : {"content_length", "content_type", "disable_on_etag_header",
                          "remove_accept_encoding_header", "runtime_enabled"}) {
    ok = root.Refuse(key, "is the old place: write it under response_direction_config") && ok;
  }
  bool first = false;
  ok = ReadBool(root, "choose_first", &first) && ok;
  if (first) ok = root.Fail("choose_first: true is not available: list the codings in libraries");
  const auto counter = [&load](const char* name) {
    return load.host.MakeCounter(std::string("compressor.response.") + name);
  };
  counters = {counter("compressed"),
              counter("not_compressed"),
              counter("total_uncompressed_bytes"),
              counter("total_compressed_bytes"),
              counter("content_length_too_small"),
              counter("no_accept_header"),
              counter("header_identity"),
              counter("header_wildcard"),
              counter("header_not_valid"),
              counter("header_compressor_used"),
              counter("not_compressed_etag"),
              counter("errors")};
  return ok;
}

bool CompressorConfig::HasType(std::string_view content_type) const {
  const std::string_view type = util::TrimOws(content_type.substr(0, content_type.find(';')));
  return std::any_of(content_types.begin(), content_types.end(),
                     [type](const std::string& known) { return util::EqualsLower(type, known); });
}

bool CompressorRouteConfig::Load(const sdk::ConfigLoad& load) {
  const ConfigNode& root = load.node;
  if (!root) return root.Fail("a route's entry needs disabled or overrides");
  if (!root.ExpectMap("a route's entry")) return false;
  const ConfigNode off = root.Get("disabled");
  const ConfigNode overrides = root.Get("overrides");
  if (off && overrides) return root.Fail("give one of disabled and overrides, not both");
  if (off) {
    return off.Read(&disabled) && (disabled || off.Fail("disabled may only be true; leave it out"));
  }
  if (!overrides) return root.Fail("a route's entry needs disabled or overrides");
  if (!overrides.ExpectMap("overrides")) return false;
  bool ok = libraries.Load(overrides);
  const ConfigNode response = overrides.Get("response_direction_config");
  if (!response) return ok;
  if (response.IsNull()) return ok;
  if (!response.ExpectMap("response_direction_config")) return false;
  if (const ConfigNode remove = response.Get("remove_accept_encoding_header")) {
    bool value = false;
    ok = remove.Read(&value) && ok;
    remove_accept_encoding = value;
  }
  return ok;
}

}  // namespace weir::filters
