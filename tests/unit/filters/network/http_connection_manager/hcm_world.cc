#include "tests/unit/filters/network/http_connection_manager/hcm_world.h"

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <utility>

#include "core/config/abi_node.h"
#include "core/config/loader.h"
#include "filters/network/http_connection_manager/hcm_builder.h"
#include "plugins/loader/plugin_loader.h"
#include "plugins/sdk/descriptor.h"

namespace weir::hcm {
namespace {

void Log(uint32_t, weir_view, weir_view) {}
uint32_t Counter(weir_view) {
  return 1;
}
void Count(uint32_t, uint64_t) {}
void RandomBytes(uint8_t* out, size_t size) {
  std::memset(out, 7, size);
}
void Sha1(const uint8_t*, size_t, uint8_t out[20]) {
  std::memset(out, 1, 20);
}

const weir_host* Host() {
  static const weir_host host = [] {
    weir_host table{};
    table.struct_size = offsetof(weir_host, sha256);
    table.abi_minor = WEIR_ABI_MINOR;
    table.config = config::AbiConfigApi();
    table.log = Log;
    table.counter = Counter;
    table.count = Count;
    table.random = RandomBytes;
    table.sha1 = Sha1;
    return table;
  }();
  return &host;
}

plugins::PluginLoader* Plugins() {
  static plugins::PluginLoader loader([] {
    plugins::PluginLoader::Options options;
    options.host = Host();
    options.built_in = {&weir_plugin_h1, &weir_plugin_h2};
    return options;
  }());
  return &loader;
}

[[noreturn]] void Die(const std::string& what) {
  std::cerr << what << '\n';
  std::abort();
}

std::string Yaml(const std::string& keys, const std::string& routes, const std::string& cluster,
                 size_t scripts) {
  std::string yaml = "listeners:\n  - name: main\n    address: 127.0.0.1:80\n    http:\n";
  yaml += "      stat_prefix: main\n      ";
  for (const char c : keys) yaml += c == '\n' ? std::string("\n      ") : std::string(1, c);
  if (scripts > 0) {
    yaml += "\n      http_filters: [";
    for (size_t i = 0; i < scripts; ++i) yaml += "script_" + std::to_string(i) + ", ";
    yaml += "mux]";
  }
  yaml += "\n      routes: ";
  yaml += routes.empty() ? "[{ match: { prefix: / }, route: { cluster: app } }]" : routes;
  yaml += "\nclusters:\n  - { name: app, endpoints: [10.0.0.1:80]" + cluster + " }\n";
  return yaml;
}

}  // namespace

// The test's filters as a plugin of its own, with a loader of its own: tables differ from world to
// world.
struct HcmWorld::ScriptPlugin {
  static constexpr size_t kMax = 3;

  explicit ScriptPlugin(const std::vector<test::FilterScript*>& scripts) {
    if (scripts.size() > kMax) Die("too many scripts");
    constexpr void* (*kNew[kMax])(const weir_host*, const weir_http_api*, const weir_node*,
                                  uint32_t) = {New<0>, New<1>, New<2>};
    for (size_t i = 0; i < scripts.size(); ++i) {
      made[i] = scripts[i];
      apis[i] = *scripts[i]->Table();
      apis[i].config_new = kNew[i];
      names[i] = "script_" + std::to_string(i);
      extensions[i] = {WEIR_KIND_HTTP_FILTER, 0, names[i].c_str(), &apis[i]};
    }
    descriptor = sdk::Descriptor("script", "1", extensions);
    descriptor.extension_count = static_cast<uint32_t>(scripts.size());
    plugins::PluginLoader::Options options;
    options.host = Host();
    options.built_in = {&weir_plugin_h1, &weir_plugin_h2, &descriptor};
    loader = std::make_unique<plugins::PluginLoader>(std::move(options));
  }

  template <size_t I>
  static void* New(const weir_host*, const weir_http_api*, const weir_node*, uint32_t) {
    return made[I];
  }

  static inline test::FilterScript* made[kMax];
  weir_http_filter_api apis[kMax];
  std::string names[kMax];
  weir_extension extensions[kMax];
  weir_plugin_descriptor descriptor;
  std::unique_ptr<plugins::PluginLoader> loader;
};

class HcmWorld::Maker final : public HcmWorkerMaker {
 public:
  explicit Maker(HcmWorld* world) : world_(world) {}

  std::unique_ptr<HcmWorker> Make(std::shared_ptr<const HcmConfig> config,
                                  net::WorkerContext* context) override {
    auto made = std::make_unique<HcmWorker>();
    made->worker = context;
    made->stats = observe::BindHttpStats(&world_->worker.registry, context->stats, "main");
    made->terminals = std::make_unique<mux::Mux>(&world_->pools_);
    made->dates = &world_->dates_;
    if (world_->log_ != nullptr) made->access_logs.push_back(world_->log_.get());
    made->config = std::move(config);
    return made;
  }

 private:
  HcmWorld* world_;
};

HcmWorld::HcmWorld(const std::string& keys, const std::string& routes, const std::string& cluster,
                   const std::string& log_path, const std::vector<test::FilterScript*>& scripts,
                   const upstream::UpstreamCodec& upstream) {
  if (!scripts.empty()) scripts_ = std::make_unique<ScriptPlugin>(scripts);
  if (!log_path.empty()) {
    log_writer_ = std::make_unique<observe::LogWriter>(&worker.registry);
    std::string error;
    observe::LogFile* file = log_writer_->Open(observe::LogSink::kFile, log_path, &error);
    if (file == nullptr) Die(error);
    log_ = std::make_unique<observe::AccessLogBuffer>(
        log_writer_.get(), file, &worker.reactor, &dates_,
        observe::BindAccessLogStats(&worker.registry, worker.context.stats));
  }
  const std::string yaml = Yaml(keys, routes, cluster, scripts.size());
  config::LoadResult loaded = config::LoadString(yaml, "test.yaml");
  if (!loaded.ok()) Die(yaml + loaded.diagnostics.Print());
  bootstrap_ = loaded.bootstrap;
  const auto stats = observe::BindClusterStats(&worker.registry, worker.context.stats, "app");
  pools_.push_back(std::make_unique<upstream::Pool>(&worker.context, &bootstrap_->clusters[0],
                                                    upstream, stats, 1));
  config::Diagnostics diagnostics;
  server::ServerContext server;
  server.bootstrap = bootstrap_;
  server.plugins = scripts_ != nullptr ? scripts_->loader.get() : Plugins();
  server.plugin_host = Host();
  server.stats = &worker.registry;
  server.diagnostics = &diagnostics;
  const config::Listener& listener = bootstrap_->listeners[0];
  auto built = BuildHcm(server, listener, *listener.filter_chains[0].filters.back().http);
  if (built == nullptr) Die(yaml + diagnostics.Print());
  factory_ = std::make_unique<HcmFactory>(std::move(built), std::make_shared<Maker>(this));
  terminal_ = factory_->ForWorker(&worker.context);
}

// Whatever a test did: nothing is left when its connections have gone.
HcmWorld::~HcmWorld() {
  home_.DeleteAll();
  worker.Turn();
  terminal_.reset();
  pools_.clear();
  worker.Turn();
  EXPECT_EQ(worker.Leftovers(), "");
  EXPECT_EQ(worker.dialer.open(), 0u);
  EXPECT_EQ(home_.open(), 0u);
  for (const auto& client : clients_) EXPECT_TRUE(client->peer.closed);
}

Client& HcmWorld::Connect(const test::FakeTls* tls) {
  clients_.push_back(std::make_unique<Client>());
  Client& client = *clients_.back();
  client.peer.tls = tls;
  net::AcceptedConnection accepted;
  accepted.place = net::ConnectionPlace(&home_);
  auto io = std::make_unique<test::FakeIo>(&client.peer);
  client.io = io.get();
  accepted.io = std::move(io);
  accepted.peer = *net::Address::Parse("10.9.8.7:4711");
  accepted.local = *net::Address::Parse("127.0.0.1:80");
  terminal_->Serve(std::move(accepted));
  worker.Turn();
  return client;
}

void HcmWorld::Send(Client& client, const std::string& bytes) {
  if (client.peer.closed) return;
  client.peer.to_read += bytes;
  client.io->Wake(true, false);
  worker.Turn();
}

void HcmWorld::Drain() {
  worker.context.draining = true;
  home_.DrainAll();
  for (const auto& pool : pools_) pool->Drain();
  worker.Turn();
}

std::string FieldOf(const std::string& message, const std::string& name) {
  std::string found;
  size_t at = message.find("\r\n");
  while (at != std::string::npos && message.compare(at, 4, "\r\n\r\n") != 0) {
    at += 2;
    const size_t end = message.find("\r\n", at);
    if (message.compare(at, name.size() + 2, name + ": ") == 0) {
      found += (found.empty() ? "" : "|");
      found += message.substr(at + name.size() + 2, end - at - name.size() - 2);
    }
    at = end;
  }
  return found.empty() ? "(none)" : found;
}

}  // namespace weir::hcm
