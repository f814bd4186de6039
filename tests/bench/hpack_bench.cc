// HPACK by the block: what decoding and encoding cost, and what the choices in the encoder are
// worth. The blocks are those of a browser's requests, of an API client and of answers.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "codecs/h2/hpack/huffman.h"
#include "tests/unit/codecs/h2/hpack/nghttp2_peer.h"

namespace weir::h2::hpack {
namespace {

const TextFields kBrowser = {
    {":method", "GET"},
    {":scheme", "https"},
    {":authority", "www.example.com"},
    {":path", "/assets/images/icons/2024/overview.svg?v=3b1c2d"},
    {"user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0"},
    {"accept", "image/avif,image/webp,*/*"},
    {"accept-language", "en-US,en;q=0.5"},
    {"accept-encoding", "gzip, deflate, br"},
    {"referer", "https://www.example.com/overview"},
    {"cookie", "session=6b0f2a1e9d8c7b6a5f4e3d2c1b0a9f8e; theme=dark"},
    {"sec-fetch-dest", "image"},
    {"sec-fetch-mode", "no-cors"},
    {"sec-fetch-site", "same-origin"}};

const TextFields kClient = {{":method", "GET"},
                            {":scheme", "http"},
                            {":authority", "127.0.0.1:8080"},
                            {":path", "/"},
                            {"user-agent", "h2load nghttp2/1.52.0"}};

const TextFields kAnswer = {{":status", "200"},
                            {"server", "nginx/1.22.1"},
                            {"date", "Sun, 22 Nov 2026 13:40:00 GMT"},
                            {"content-type", "text/html; charset=utf-8"},
                            {"content-length", "128"},
                            {"last-modified", "Mon, 21 Oct 2024 20:13:21 GMT"},
                            {"etag", "\"67162341-80\""},
                            {"cache-control", "public, max-age=3600"},
                            {"accept-ranges", "bytes"}};

const TextFields& Fields(int64_t which) {
  return which == 0 ? kBrowser : which == 1 ? kClient : kAnswer;
}

// The third block of a connection, when the peer's table is full of it, and ever again.
void DecodeRepeated(benchmark::State& state) {
  Nghttp2Deflater deflater;
  DecoderUnderTest decoder(100, 65536, 65536);
  for (int i = 0; i < 2; ++i) decoder.Decode(deflater.Encode(Fields(state.range(0))));
  const Bytes wire = deflater.Encode(Fields(state.range(0)));
  std::vector<weir_field> fields(100);
  std::vector<char> scratch(65536);
  for (auto _ : state) {
    Block block;
    block.fields = fields.data();
    block.max_fields = 100;
    block.max_list_size = 65536;
    block.at = scratch.data();
    block.limit = scratch.data() + scratch.size();
    if (decoder.decoder().Decode(wire.data(), wire.size(), &block) != Status::kOk) std::abort();
    benchmark::DoNotOptimize(block);
  }
  state.counters["bytes"] = static_cast<double>(wire.size());
}
BENCHMARK(DecodeRepeated)->DenseRange(0, 2);

Bytes Literals(const TextFields& fields, bool huffman) {
  Bytes wire;
  for (const auto& [name, value] : fields) {
    const Bytes one = LiteralBlock(0x00, name, value, huffman);
    wire.insert(wire.end(), one.begin(), one.end());
  }
  return wire;
}

void DecodeLiterals(benchmark::State& state) {
  DecoderUnderTest decoder(100, 65536, 65536);
  const Bytes wire = Literals(Fields(state.range(0)), state.range(1) != 0);
  std::vector<weir_field> fields(100);
  std::vector<char> scratch(65536);
  for (auto _ : state) {
    Block block;
    block.fields = fields.data();
    block.max_fields = 100;
    block.max_list_size = 65536;
    block.at = scratch.data();
    block.limit = scratch.data() + scratch.size();
    if (decoder.decoder().Decode(wire.data(), wire.size(), &block) != Status::kOk) std::abort();
    benchmark::DoNotOptimize(block);
  }
  state.counters["bytes"] = static_cast<double>(wire.size());
}
BENCHMARK(DecodeLiterals)->ArgsProduct({{0, 1, 2}, {0, 1}});

// The second argument is the size of the encoder's table.
void EncodeRepeated(benchmark::State& state) {
  Encoder encoder(CountedMemory::Get(), static_cast<uint32_t>(state.range(1)));
  std::vector<weir_field> fields;
  for (const auto& [name, value] : Fields(state.range(0))) {
    weir_field field{};
    field.name = name.data();
    field.name_size = static_cast<uint16_t>(name.size());
    field.value = value.data();
    field.value_size = static_cast<uint32_t>(value.size());
    field.token = FindName(name.data(), name.size());
    fields.push_back(field);
  }
  uint8_t bytes[4096];
  weir_out out{};
  for (auto _ : state) {
    out = {bytes, bytes + sizeof(bytes)};
    encoder.Begin(&out);
    for (const weir_field& field : fields) encoder.Field(&out, field);
    benchmark::DoNotOptimize(bytes);
    benchmark::ClobberMemory();
  }
  state.counters["bytes"] = static_cast<double>(out.at - bytes);
}
BENCHMARK(EncodeRepeated)->ArgsProduct({{0, 1, 2}, {0, 4096}});

void HuffmanEncode(benchmark::State& state) {
  const std::string text = kBrowser[static_cast<size_t>(state.range(0))].second;
  uint8_t bytes[512];
  for (auto _ : state) {
    const size_t size = HuffmanSize(text.data(), text.size());
    if (size < text.size()) benchmark::DoNotOptimize(HuffmanWrite(bytes, text.data(), text.size()));
    benchmark::ClobberMemory();
  }
  state.counters["bytes"] = static_cast<double>(text.size());
}
BENCHMARK(HuffmanEncode)->Arg(2)->Arg(3)->Arg(4);

void HuffmanDecode(benchmark::State& state) {
  const std::string text = kBrowser[static_cast<size_t>(state.range(0))].second;
  uint8_t coded[512];
  const size_t size = static_cast<size_t>(HuffmanWrite(coded, text.data(), text.size()) - coded);
  char bytes[512];
  for (auto _ : state) {
    HuffmanReader reader(coded, size);
    char* at = bytes;
    if (reader.Read(&at, bytes + sizeof(bytes)) != Huffman::kDone) std::abort();
    benchmark::DoNotOptimize(at);
    benchmark::ClobberMemory();
  }
  state.counters["bytes"] = static_cast<double>(text.size());
}
BENCHMARK(HuffmanDecode)->Arg(2)->Arg(3)->Arg(4);

void OtherDecodeLiterals(benchmark::State& state) {
  Nghttp2Inflater other;
  const Bytes wire = Literals(Fields(state.range(0)), state.range(1) != 0);
  for (auto _ : state) benchmark::DoNotOptimize(other.Count(wire));
}
BENCHMARK(OtherDecodeLiterals)->ArgsProduct({{0, 1, 2}, {0, 1}});

}  // namespace
}  // namespace weir::h2::hpack
