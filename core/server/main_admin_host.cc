#include "core/server/main_admin_host.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <signal.h>
#include <unistd.h>

#include "core/server/certificate_watch.h"
#include "core/server/loop_door.h"
#include "core/server/main_services.h"
#include "core/server/plugin_list.h"
#include "core/server/reloader.h"
#include "core/server/server.h"
#include "core/server/worker.h"

namespace weir::server {
namespace {

// A thread that takes longer to look up from its work is left out of the answer.
constexpr std::chrono::milliseconds kPatience{2'000};

// Files are read, plugins loaded and names resolved: that may take its time.
constexpr std::chrono::milliseconds kReloadPatience{20'000};

using admin::EndpointFacts;

admin::ReloadFacts FactsOf(const ReloadResult& result) {
  admin::ReloadFacts facts;
  facts.number = result.number;
  facts.ok = result.ok;
  facts.error = result.error;
  facts.changes = result.changes;
  facts.unix_ms = result.unix_ms;
  return facts;
}

// An IP address, as the configuration would have it.
config::Address ToConfig(const net::Address& here) {
  config::Address address;
  const bool four = here.family() == AF_INET;
  address.kind = four ? config::Address::Kind::kIpv4 : config::Address::Kind::kIpv6;
  std::copy(here.ip(), here.ip() + (four ? 4 : 16), address.ip.begin());
  address.port = here.port();
  return address;
}

// Of a cluster that is found by DNS the configuration has no addresses.
config::Address AddressOfHost(const upstream::Host& host) {
  const net::Address& here = host.addresses.front();
  return here.is_ip() ? ToConfig(here) : host.endpoint->address;
}

void AddPool(upstream::Pool* pool, std::vector<EndpointFacts>* out) {
  for (const upstream::Host* host : pool->hosts()) {
    EndpointFacts facts;
    facts.cluster = pool->config().name;
    facts.address = AddressOfHost(*host);
    facts.hostname = host->endpoint->hostname;
    facts.weight = host->weight;
    facts.healthy = host->healthy;
    facts.connections = host->connections;
    facts.active_requests = host->active_requests;
    facts.cx_total = host->totals.connections;
    facts.cx_connect_fail = host->totals.connect_failures;
    facts.rq_total = host->totals.requests;
    facts.rq_success = host->totals.successes;
    facts.rq_error = host->totals.errors;
    facts.rq_timeout = host->totals.timeouts;
    out->push_back(std::move(facts));
  }
}

void Add(const EndpointFacts& facts, EndpointFacts* sum) {
  sum->connections += facts.connections;
  sum->active_requests += facts.active_requests;
  sum->cx_total += facts.cx_total;
  sum->cx_connect_fail += facts.cx_connect_fail;
  sum->rq_total += facts.rq_total;
  sum->rq_success += facts.rq_success;
  sum->rq_error += facts.rq_error;
  sum->rq_timeout += facts.rq_timeout;
}

std::vector<EndpointFacts> EndpointsOn(Worker* worker) {
  std::vector<EndpointFacts> endpoints;
  const MainServices* services = MainServices::Of(worker->context());
  if (services == nullptr) return endpoints;
  for (const auto& pool : *services->pools()) {
    if (pool == nullptr) continue;  // of a cluster that is gone
    AddPool(pool.get(), &endpoints);
    if (upstream::Pool* other = pool->ForVersion(20); other != pool.get())
      AddPool(other, &endpoints);
  }
  return endpoints;
}

class MainAdminHost final : public admin::Host {
 public:
  explicit MainAdminHost(const ServerContext& context)
      : stats_(context.stats),
        config_(context.bootstrap),
        plugins_(context.plugins),
        workers_(context.workers) {}

  observe::ServerState State() override { return observe::StateToTell(); }
  const observe::StatRegistry& Stats() override { return *stats_; }
  std::shared_ptr<const config::Bootstrap> Config() override {
    auto present = Reloader::PresentConfig();
    return present == nullptr ? config_ : present;
  }
  std::vector<admin::CertificateSource> Certificates() override {
    std::vector<admin::CertificateSource> all;
    for (TlsSource& source : CertificateWatch::Present()) {
      all.push_back({std::move(source.used_by), source.authority, std::move(source.path),
                     std::move(source.pem), source.read_unix_s, std::move(source.error),
                     source.error_unix_s});
    }
    return all;
  }
  admin::ReloadFacts LastReload() override { return FactsOf(Reloader::Last()); }

  std::optional<admin::ReloadFacts> Reload() override {
    auto answer = std::make_shared<Answers<ReloadResult>>();
    const bool asked = Reloader::Ask([answer](const ReloadResult& result) { answer->Add(result); });
    if (!asked) return std::nullopt;
    const std::vector<ReloadResult> results = answer->Wait(1, kReloadPatience);
    return results.empty() ? admin::ReloadFacts() : FactsOf(results[0]);
  }

  std::vector<net::ConnectionReport> Connections(size_t most, bool busy) override {
    using Reports = std::vector<net::ConnectionReport>;
    const auto ask = [most, busy](Worker* worker) {
      return worker->DescribeConnections(most, busy);
    };
    Reports all;
    for (Reports& reports : AskWorkers<Reports>(ask, kPatience))
      std::move(reports.begin(), reports.end(), std::back_inserter(all));
    return all;
  }

  // By the signal that asks for it, once: a second one would end the process at once.
  bool Drain() override {
    auto answer = std::make_shared<Answers<bool>>();
    MainDoor::Post([answer, first = !std::exchange(drain_asked_, true)] {
      if (first && PresentState() == observe::ServerState::kLive) kill(getpid(), SIGTERM);
      answer->Add(true);
    });
    return !answer->Wait(1, kPatience).empty();
  }

  admin::ProcessFacts Process() override {
    admin::ProcessFacts facts;
    facts.version = WEIR_VERSION;
    const auto age = std::chrono::steady_clock::now() - started_;
    facts.uptime_s = static_cast<uint64_t>(std::chrono::floor<std::chrono::seconds>(age).count());
    facts.start_unix_s = started_unix_s_;
    facts.pid = static_cast<uint32_t>(getpid());
    facts.concurrency = workers_;
    return facts;
  }

  std::map<std::string, config::Address, std::less<>> Bound() override {
    using Map = std::map<std::string, config::Address, std::less<>>;
    const auto on_worker = [](Worker* worker) {
      Map bound;
      worker->ForEachListener([&bound](const ListenerSpec& spec) {
        if (spec.bound.is_ip()) bound.emplace(spec.config->name, ToConfig(spec.bound));
      });
      return bound;
    };
    Map all;
    for (Map& bound : AskWorkers<Map>(on_worker, kPatience)) all.merge(bound);
    return all;
  }

  std::vector<EndpointFacts> Endpoints() override {
    std::vector<EndpointFacts> all;
    std::map<std::pair<std::string, std::string>, size_t> places;  // in `all`
    for (auto& list : AskWorkers<std::vector<EndpointFacts>>(EndpointsOn, kPatience)) {
      for (EndpointFacts& facts : list) {
        const auto [place, is_new] =
            places.try_emplace({facts.cluster, facts.address.ToString()}, all.size());
        if (is_new) {
          all.push_back(std::move(facts));
          continue;
        }
        EndpointFacts& sum = all[place->second];
        Add(facts, &sum);
        sum.healthy = sum.healthy && facts.healthy;
      }
    }
    return all;
  }

  // The loader is the main thread's.
  std::string Plugins(bool json) override {
    auto answer = std::make_shared<Answers<std::string>>();
    const bool asked = MainDoor::Post([answer, json, loader = plugins_] {
      const std::vector<PluginRow> rows = ListPlugins(*loader);
      answer->Add(json ? PluginJson(rows) : PluginTable(rows));
    });
    std::vector<std::string> texts = answer->Wait(1, kPatience);
    return asked && !texts.empty() ? std::move(texts[0]) : "";
  }

 private:
  observe::StatRegistry* stats_;
  std::shared_ptr<const config::Bootstrap> config_;
  plugins::PluginLoader* plugins_;
  const uint32_t workers_;
  bool drain_asked_ = false;  // the page thread's
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  const uint64_t started_unix_s_ = static_cast<uint64_t>(std::time(nullptr));
};

}  // namespace

std::shared_ptr<admin::Host> MakeAdminHost(const ServerContext& context) {
  return std::make_shared<MainAdminHost>(context);
}

}  // namespace weir::server
