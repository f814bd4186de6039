#include "filters/http/decompressor/decompressor_config.h"

#include <string>
#include <string_view>
#include <utility>

namespace weir::filters {
namespace {

using sdk::ConfigNode;

constexpr std::int64_t kMost = std::int64_t{1} << 40;
constexpr std::uint64_t kRequestBytes = 64u << 20;
constexpr std::uint64_t kResponseBytes = 1u << 30;

bool ReadBool(const ConfigNode& map, const char* key, bool* out) {
  const ConfigNode node = map.Get(key);
  return !node || node.Read(out);
}

template <typename Number>
bool ReadNumber(const ConfigNode& map, const char* key, std::int64_t min, std::int64_t max,
                Number* out) {
  const ConfigNode node = map.Get(key);
  if (!node) return true;
  std::int64_t value = 0;
  if (!node.Read(min, max, &value)) return false;
  *out = static_cast<Number>(value);
  return true;
}

// {default_value, runtime_key}. There is no runtime layer, so the default holds, as in Envoy
// when the key is not set.
bool ReadFlag(const ConfigNode& node, bool* out) {
  if (!node) return true;
  if (node.IsScalar()) return node.Read(out);
  if (!node.ExpectMap("a flag")) return false;
  std::string key;
  const ConfigNode runtime_key = node.Get("runtime_key");
  const bool ok = !runtime_key || runtime_key.Read(&key);
  return ReadBool(node, "default_value", out) && ok;
}

constexpr std::pair<std::string_view, Coding> kNames[] = {{"gzip", Coding::kGzip},
                                                          {"br", Coding::kBrotli},
                                                          {"brotli", Coding::kBrotli},
                                                          {"zstd", Coding::kZstd}};
constexpr std::pair<std::string_view, Coding> kTypes[] = {
    {"type.googleapis.com/envoy.extensions.compression.gzip.decompressor.v3.Gzip", Coding::kGzip},
    {"type.googleapis.com/envoy.extensions.compression.brotli.decompressor.v3.Brotli",
     Coding::kBrotli},
    {"type.googleapis.com/envoy.extensions.compression.zstd.decompressor.v3.Zstd", Coding::kZstd}};

bool LoadSettings(const ConfigNode& map, DecoderOptions* options) {
  bool ok = ReadNumber(map, "chunk_size", 4096, 65536, &options->chunk_size);
  ok = ReadNumber(map, "max_inflate_ratio", 1, 1000000, &options->max_ratio) && ok;
  if (options->coding == Coding::kGzip) {
    ok = ReadNumber(map, "window_bits", 9, 15, &options->window_bits) && ok;
  }
  if (options->coding == Coding::kBrotli) {
    ok = map.Refuse("disable_ring_buffer_reallocation", "is not available") && ok;
  }
  if (options->coding == Coding::kZstd) {
    ok = map.Refuse("dictionaries", "is not available") && ok;
  }
  return ok;
}

// "gzip", or {name, typed_config} where a @type tells the library whatever the name.
bool LoadOne(const ConfigNode& node, DecoderOptions* options) {
  if (node.IsScalar()) return node.ReadOneOf(kNames, &options->coding);
  if (!node.ExpectMap("a decompressor library")) return false;
  const ConfigNode name = node.Get("name");
  if (!name) return node.Fail("a decompressor library needs a name: gzip, br or zstd");
  const ConfigNode settings = node.Get("typed_config");
  if (settings && !settings.ExpectMap("typed_config")) return false;
  const ConfigNode type = settings ? settings.Get("@type") : settings;
  if (!(type ? type.ReadOneOf(kTypes, &options->coding)
             : name.ReadOneOf(kNames, &options->coding))) {
    return false;
  }
  return !settings || LoadSettings(settings, options);
}

DecompressorCounters MakeCounters(const sdk::Host& host, const std::string& prefix) {
  const auto counter = [&](const char* name) { return host.MakeCounter(prefix + name); };
  return {counter("decompressed"),
          counter("not_decompressed"),
          counter("total_compressed_bytes"),
          counter("total_uncompressed_bytes"),
          counter("too_large"),
          counter("bad_input")};
}

}  // namespace

bool DecompressorConfig::LoadLibraries(const ConfigNode& root) {
  const ConfigNode one = root.Get("decompressor_library");
  const ConfigNode list = root.Get("libraries");
  if (one && list) return list.Fail("give one of decompressor_library and libraries, not both");
  if (one) return LoadOne(one, &decoders.emplace_back());
  if (!list) return root.Fail("decompressor needs decompressor_library or libraries");
  if (!list.ExpectList("libraries")) return false;
  if (list.size() == 0) return list.Fail("libraries is empty");
  bool ok = true;
  for (std::size_t i = 0; i < list.size(); ++i) {
    DecoderOptions options;
    ok = LoadOne(list.At(i), &options) && ok;
    for (const DecoderOptions& known : decoders) {
      if (ok && known.coding == options.coding) {
        ok =
            list.At(i).Fail(std::string(CodingName(options.coding)) + " stands twice in libraries");
      }
    }
    decoders.push_back(options);
  }
  return ok;
}

bool DecompressorConfig::LoadDirection(const ConfigNode& root, const char* key,
                                       Direction* direction) {
  const ConfigNode node = root.Get(key);
  if (!node) return true;
  if (!node.ExpectMap(key)) return false;
  bool ok = ReadNumber(node, "max_decompressed_bytes", 1, kMost, &direction->max_bytes);
  if (direction == &directions[WEIR_REQUEST]) {
    ok = ReadBool(node, "advertise_accept_encoding", &advertise) && ok;
  }
  const ConfigNode common = node.Get("common_config");
  if (!common) return ok;
  if (!common.ExpectMap("common_config")) return false;
  ok = ReadFlag(common.Get("enabled"), &direction->enabled) && ok;
  return ReadBool(common, "ignore_no_transform_header", &direction->ignore_no_transform) && ok;
}

bool DecompressorConfig::Load(const sdk::ConfigLoad& load) {
  const ConfigNode& root = load.node;
  if (!root) return root.Fail("decompressor needs decompressor_library or libraries");
  if (!root.ExpectMap("decompressor")) return false;
  directions[WEIR_REQUEST].max_bytes = kRequestBytes;
  directions[WEIR_RESPONSE].max_bytes = kResponseBytes;
  bool ok = LoadLibraries(root);
  ok = LoadDirection(root, "request_direction_config", &directions[WEIR_REQUEST]) && ok;
  ok = LoadDirection(root, "response_direction_config", &directions[WEIR_RESPONSE]) && ok;
  directions[WEIR_REQUEST].counters = MakeCounters(load.host, "decompressor.request.");
  directions[WEIR_RESPONSE].counters = MakeCounters(load.host, "decompressor.response.");
  return ok;
}

}  // namespace weir::filters
