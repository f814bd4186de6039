// What it costs to find out that a path is normal, and to make one normal.
#include <string>

#include <benchmark/benchmark.h>

#include "core/http/authority.h"
#include "core/http/path.h"

namespace weir::http {
namespace {

void NormalizeOne(benchmark::State& state, std::string target) {
  const PathOptions options;
  std::string out(target.size(), '\0');
  for (auto _ : state) {
    benchmark::DoNotOptimize(target.data());
    benchmark::DoNotOptimize(NormalizePath(target, options, out.data()));
  }
}

BENCHMARK_CAPTURE(NormalizeOne, clean_8_bytes, std::string("/a/b?x=1"));
BENCHMARK_CAPTURE(NormalizeOne, clean_24_bytes, std::string("/api/v1/users/1234?x=abc"));
BENCHMARK_CAPTURE(NormalizeOne, clean_200_bytes, "/" + std::string(199, 'a'));
BENCHMARK_CAPTURE(NormalizeOne, dot_segments, std::string("/api/v1/../v2/./users?x=abc"));
BENCHMARK_CAPTURE(NormalizeOne, escapes, std::string("/api/%7euser/caf%c3%a9/x?y=%20"));

void ParseOne(benchmark::State& state, std::string text) {
  Authority authority;
  for (auto _ : state) {
    benchmark::DoNotOptimize(text.data());
    benchmark::DoNotOptimize(ParseAuthority(text, &authority));
    benchmark::DoNotOptimize(authority);
  }
}

BENCHMARK_CAPTURE(ParseOne, name_and_port, std::string("www.example.com:8080"));
BENCHMARK_CAPTURE(ParseOne, ipv4, std::string("127.0.0.1:8080"));

}  // namespace
}  // namespace weir::http
