// A request's lookup with ten and with ten thousand virtual hosts: the difference is cache misses,
// not work. Requests walk through all hosts, so nothing stays near by luck; "one host" is the case
// of a site that is asked again and again.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "core/http/route/route_table.h"

namespace weir::http {
namespace {

config::VirtualHost MakeHost(const std::string& name) {
  config::VirtualHost host;
  host.name = name;
  host.domains = {"www." + name + ".example.com", "*." + name + ".net", name + ".*"};
  config::Route route;
  route.match.value = "/";
  host.routes.push_back(std::move(route));
  return host;
}

std::string Name(int64_t i) {
  return "host-" + std::to_string(i);
}

std::unique_ptr<const RouteTable> TableOf(int64_t hosts) {
  auto configuration = std::make_shared<config::RouteConfiguration>();
  for (int64_t i = 0; i < hosts; ++i) configuration->virtual_hosts.push_back(MakeHost(Name(i)));
  std::vector<RouteError> errors;
  return RouteTable::Build(std::move(configuration), {}, &errors);
}

void Lookup(benchmark::State& state, const std::vector<std::string>& authorities) {
  const auto table = TableOf(state.range(0));
  RequestView request;
  request.path = "/a/b?x=1";
  size_t at = 0;
  for (auto _ : state) {
    request.authority = authorities[at];
    benchmark::DoNotOptimize(table->Find(request));
    if (++at == authorities.size()) at = 0;
  }
}

std::vector<std::string> AllHosts(int64_t hosts, const std::string& before,
                                  const std::string& after) {
  std::vector<std::string> all;
  for (int64_t i = 0; i < hosts; ++i) all.push_back(before + Name(i * 7919 % hosts) + after);
  return all;
}

void OneHost(benchmark::State& state) {
  Lookup(state, {"www." + Name(7) + ".example.com"});
}
void ExactHosts(benchmark::State& state) {
  Lookup(state, AllHosts(state.range(0), "www.", ".example.com"));
}
void SuffixHosts(benchmark::State& state) {
  Lookup(state, AllHosts(state.range(0), "a.", ".net"));
}
void PrefixHosts(benchmark::State& state) {
  Lookup(state, AllHosts(state.range(0), "", ".org"));
}
void UnknownHost(benchmark::State& state) {
  Lookup(state, {"nobody.example.org"});
}

BENCHMARK(OneHost)->Arg(10)->Arg(10000);
BENCHMARK(ExactHosts)->Arg(10)->Arg(10000);
BENCHMARK(SuffixHosts)->Arg(10)->Arg(10000);
BENCHMARK(PrefixHosts)->Arg(10)->Arg(10000);
BENCHMARK(UnknownHost)->Arg(10)->Arg(10000);

}  // namespace
}  // namespace weir::http
