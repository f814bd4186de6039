#include <algorithm>
#include <utility>

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include "filters/http/compressor/compressor_config.h"

namespace weir::filters {
namespace {

using sdk::ConfigNode;

bool ReadInt(const ConfigNode& map, const char* key, std::int64_t min, std::int64_t max, int* out) {
  const ConfigNode node = map.Get(key);
  if (!node) return true;
  std::int64_t value = 0;
  if (!node.Read(min, max, &value)) return false;
  *out = static_cast<int>(value);
  return true;
}

bool ReadInt(const ConfigNode& map, const char* key, std::int64_t min, std::int64_t max,
             std::uint32_t* out) {
  int value = static_cast<int>(*out);
  const bool ok = ReadInt(map, key, min, max, &value);
  *out = static_cast<std::uint32_t>(value);
  return ok;
}

template <typename Enum, std::size_t n>
bool ReadName(const ConfigNode& map, const char* key,
              const std::pair<std::string_view, Enum> (&names)[n], Enum* out) {
  const ConfigNode node = map.Get(key);
  return !node || node.ReadOneOf(names, out);
}

bool ReadBool(const ConfigNode& map, const char* key, bool* out) {
  const ConfigNode node = map.Get(key);
  return !node || node.Read(out);
}

constexpr std::pair<std::string_view, int> kGzipLevels[] = {
    {"DEFAULT_COMPRESSION", -1}, {"BEST_SPEED", 1},          {"COMPRESSION_LEVEL_1", 1},
    {"COMPRESSION_LEVEL_2", 2},  {"COMPRESSION_LEVEL_3", 3}, {"COMPRESSION_LEVEL_4", 4},
    {"COMPRESSION_LEVEL_5", 5},  {"COMPRESSION_LEVEL_6", 6}, {"COMPRESSION_LEVEL_7", 7},
    {"COMPRESSION_LEVEL_8", 8},  {"COMPRESSION_LEVEL_9", 9}, {"BEST_COMPRESSION", 9}};
constexpr std::pair<std::string_view, int> kGzipStrategies[] = {
    {"DEFAULT_STRATEGY", Z_DEFAULT_STRATEGY},
    {"FILTERED", Z_FILTERED},
    {"HUFFMAN_ONLY", Z_HUFFMAN_ONLY},
    {"RLE", Z_RLE},
    {"FIXED", Z_FIXED}};
constexpr std::pair<std::string_view, std::uint32_t> kBrotliModes[] = {
    {"DEFAULT", BROTLI_MODE_GENERIC},
    {"GENERIC", BROTLI_MODE_GENERIC},
    {"TEXT", BROTLI_MODE_TEXT},
    {"FONT", BROTLI_MODE_FONT}};
constexpr std::pair<std::string_view, int> kZstdStrategies[] = {{"DEFAULT", 0},
                                                                {"FAST", ZSTD_fast},
                                                                {"DFAST", ZSTD_dfast},
                                                                {"GREEDY", ZSTD_greedy},
                                                                {"LAZY", ZSTD_lazy},
                                                                {"LAZY2", ZSTD_lazy2},
                                                                {"BTLAZY2", ZSTD_btlazy2},
                                                                {"BTOPT", ZSTD_btopt},
                                                                {"BTULTRA", ZSTD_btultra},
                                                                {"BTULTRA2", ZSTD_btultra2}};

bool LoadGzip(const ConfigNode& map, EncoderOptions* options) {
  auto& gzip = options->gzip;
  bool ok = ReadInt(map, "memory_level", 1, 9, &gzip.memory_level);
  ok = ReadInt(map, "window_bits", 9, 15, &gzip.window_bits) && ok;
  ok = ReadName(map, "compression_level", kGzipLevels, &gzip.level) && ok;
  return ReadName(map, "compression_strategy", kGzipStrategies, &gzip.strategy) && ok;
}

bool LoadBrotli(const ConfigNode& map, EncoderOptions* options) {
  auto& brotli = options->brotli;
  bool ok = ReadInt(map, "quality", 0, 11, &brotli.quality);
  ok = ReadInt(map, "window_bits", 10, 24, &brotli.window_bits) && ok;
  ok = ReadInt(map, "input_block_bits", 16, 24, &brotli.input_block_bits) && ok;
  ok = ReadName(map, "encoder_mode", kBrotliModes, &brotli.mode) && ok;
  return ReadBool(map, "disable_literal_context_modeling", &brotli.no_literal_context) && ok;
}

bool LoadZstd(const ConfigNode& map, EncoderOptions* options) {
  auto& zstd = options->zstd;
  bool ok = ReadInt(map, "compression_level", 1, 22, &zstd.level);
  ok = ReadBool(map, "enable_checksum", &zstd.checksum) && ok;
  ok = ReadName(map, "strategy", kZstdStrategies, &zstd.strategy) && ok;
  return map.Refuse("dictionary", "is not available: clients do not have it") && ok;
}

bool LoadSettings(const ConfigNode& map, EncoderOptions* options) {
  int chunk_size = static_cast<int>(options->chunk_size);
  bool ok = ReadInt(map, "chunk_size", 4096, 65536, &chunk_size);
  options->chunk_size = static_cast<std::size_t>(chunk_size);
  switch (options->coding) {
    case Coding::kGzip:
      return LoadGzip(map, options) && ok;
    case Coding::kBrotli:
      return LoadBrotli(map, options) && ok;
    case Coding::kZstd:
      return LoadZstd(map, options) && ok;
  }
  return false;
}

constexpr std::pair<std::string_view, Coding> kNames[] = {{"gzip", Coding::kGzip},
                                                          {"br", Coding::kBrotli},
                                                          {"brotli", Coding::kBrotli},
                                                          {"zstd", Coding::kZstd}};
constexpr std::pair<std::string_view, Coding> kTypes[] = {
    {"type.googleapis.com/envoy.extensions.compression.gzip.compressor.v3.Gzip", Coding::kGzip},
    {"type.googleapis.com/envoy.extensions.compression.brotli.compressor.v3.Brotli",
     Coding::kBrotli},
    {"type.googleapis.com/envoy.extensions.compression.zstd.compressor.v3.Zstd", Coding::kZstd}};

// "gzip", or {name, typed_config} where a @type tells the library whatever the name.
bool LoadOne(const ConfigNode& node, EncoderOptions* options) {
  if (node.IsScalar()) return node.ReadOneOf(kNames, &options->coding);
  if (!node.ExpectMap("a compressor library")) return false;
  const ConfigNode name = node.Get("name");
  if (!name) return node.Fail("a compressor library needs a name: gzip, br or zstd");
  const ConfigNode settings = node.Get("typed_config");
  if (settings && !settings.ExpectMap("typed_config")) return false;
  const ConfigNode type = settings ? settings.Get("@type") : settings;
  if (!(type ? type.ReadOneOf(kTypes, &options->coding)
             : name.ReadOneOf(kNames, &options->coding))) {
    return false;
  }
  return !settings || LoadSettings(settings, options);
}

}  // namespace

bool Libraries::Load(const ConfigNode& map) {
  const ConfigNode one = map.Get("compressor_library");
  const ConfigNode list = map.Get("libraries");
  if (one && list) return list.Fail("give one of compressor_library and libraries, not both");
  std::vector<ConfigNode> nodes;
  if (one) nodes.push_back(one);
  if (list) {
    if (!list.ExpectList("libraries")) return false;
    if (list.size() == 0) return list.Fail("libraries is empty");
    for (std::size_t i = 0; i < list.size(); ++i) nodes.push_back(list.At(i));
  }
  bool ok = true;
  for (const ConfigNode& node : nodes) {
    EncoderOptions options;
    if (!LoadOne(node, &options)) {
      ok = false;
      continue;
    }
    const std::string_view name = CodingName(options.coding);
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      ok = node.Fail(std::string(name) + " stands twice in libraries");
      continue;
    }
    encoders.push_back(options);
    names.push_back(name);
  }
  return ok;
}

}  // namespace weir::filters
