#include "tests/simulation/worker.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <set>
#include <utility>

#include <openssl/sha.h>

#include "core/config/abi_node.h"
#include "core/config/loader.h"
#include "core/http/codec_connection.h"
#include "core/observe/stat_names.h"
#include "core/server/tls_cluster.h"
#include "core/server/tls_listener.h"
#include "filters/network/http_connection_manager/hcm_builder.h"
#include "plugins/loader/plugin_loader.h"
#include "plugins/sdk/descriptor.h"
#include "tests/simulation/chance_filter.h"
#include "tests/simulation/sim_certificates.h"
#include "tests/simulation/tapped_io.h"
#include "tests/support/toy_codec/toy_codec.h"

extern "C" const weir_plugin_descriptor weir_plugin_h1;
extern "C" const weir_plugin_descriptor weir_plugin_h2;

namespace weir::sim {
namespace {

const weir_extension kExtensions[] = {
    {WEIR_KIND_CODEC, 0, "toy", &toy::kToyCodecApi},
    {WEIR_KIND_HTTP_FILTER, 0, "chance0", &kChanceFilterApi},
    {WEIR_KIND_HTTP_FILTER, 0, "chance1", &kChanceFilterApi},
    {WEIR_KIND_HTTP_FILTER, 0, "chance2", &kChanceFilterApi},
};

const weir_plugin_descriptor kPlugin = sdk::Descriptor("sim", "0.1.0", kExtensions);

void Log(uint32_t, weir_view, weir_view) {}
uint32_t Counter(weir_view) {
  return 1;
}
void Count(uint32_t, uint64_t) {}
// Nothing that crosses here decides anything; the same bytes everywhere keep runs alike.
void RandomBytes(uint8_t* out, size_t size) {
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<uint8_t>(i * 37 + 11);
}
void Sha1(const uint8_t* in, size_t size, uint8_t out[20]) {
  SHA1(in, size, out);
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
    options.built_in = {&weir_plugin_h1, &weir_plugin_h2, &kPlugin};
    return options;
  }());
  return &loader;
}

[[noreturn]] void Die(const std::string& what) {
  std::cerr << what << '\n';
  std::exit(2);
}

// Of a cluster of the configuration, which may lack others.
uint32_t SlotOf(const config::Cluster& cluster) {
  return static_cast<uint32_t>(cluster.name.back() - '0');
}

std::shared_ptr<const config::Bootstrap> Load(const Variation& variation, const Setting& setting) {
  const std::string text = variation.Yaml(setting);
  config::LoadResult loaded = config::LoadString(text, "sim.yaml");
  if (!loaded.ok()) Die(text + loaded.diagnostics.Print());
  // What has no short key.
  auto bootstrap = std::make_shared<config::Bootstrap>(*loaded.bootstrap);
  if (variation.tls_down) {
    bootstrap->listeners[0].filter_chains[0].tls = SimCertificates::Listener();
    bootstrap->listeners[0].filter_chains[0].transport_socket_connect_timeout =
        config::Milliseconds(3000);
  }
  for (config::Cluster& cluster : bootstrap->clusters) {
    if (variation.TlsUp(SlotOf(cluster))) cluster.tls = SimCertificates::Cluster();
    cluster.idle_timeout = config::Milliseconds(10'000);
    cluster.max_requests_per_connection = variation.max_requests_up;
  }
  return bootstrap;
}

h2::Options OptionsOf(const Variation& variation) {
  h2::Options options;
  options.initial_connection_window_size = variation.h2_connection_window;
  options.hpack_table_size = variation.h2_table;
  options.encoder_table_size = variation.h2_table;
  return options;
}

// What the configuration has no key for.
void Vary(const Variation& variation, const h2::Options* options, http::CodecChoice* choice) {
  weir_codec_params& p = choice->params;
  if (choice->api->alpn == nullptr || std::string(choice->api->alpn) != "h2") return;
  if (p.position == WEIR_SERVER) p.max_streams = variation.max_streams;
  p.config = const_cast<h2::Options*>(options);
  p.stream_window = variation.h2_stream_window;
  p.stream_window_max = std::max(p.stream_window, p.stream_window_max);
}

upstream::UpstreamCodec CodecOf(const config::Cluster& cluster, const Variation& variation,
                                const h2::Options* options) {
  std::string error;
  const plugins::CodecExtension* codec = Plugins()->FindCodec(cluster.protocol, &error);
  if (codec == nullptr) Die(error);
  http::CodecChoice choice;
  choice.api = codec->api;
  weir_codec_params& p = choice.params;
  p.struct_size = sizeof p;
  p.position = WEIR_CLIENT;
  p.raw_form = codec->raw_form;
  p.host = Host();
  p.codec_host = http::CodecHostTable();
  p.max_head_bytes = cluster.max_response_headers_kb * 1024;
  p.max_field_count = cluster.max_headers_count;
  p.max_trailer_bytes = 8192;
  p.max_streams = 100;
  p.flags = WEIR_CODEC_ACCEPT_HTTP_10 | WEIR_CODEC_ALLOW_UPGRADE | WEIR_CODEC_ALLOW_CONNECT;
  http::SetWindows(cluster.per_connection_buffer_limit_bytes, &choice);
  Vary(variation, options, &choice);
  upstream::UpstreamCodec made;
  made.codecs.choices.push_back(choice);
  return made;
}

}  // namespace

class Worker::Maker final : public hcm::HcmWorkerMaker {
 public:
  Maker(Worker* worker, mux::Slots slots) : worker_(worker), slots_(std::move(slots)) {}

  std::unique_ptr<hcm::HcmWorker> Make(std::shared_ptr<const hcm::HcmConfig> config,
                                       net::WorkerContext* context) override {
    auto made = std::make_unique<hcm::HcmWorker>();
    made->worker = context;
    made->stats =
        observe::BindHttpStats(&worker_->registry_, context->stats, config->settings->stat_prefix);
    made->terminals = std::make_unique<mux::Mux>(&worker_->pools_, slots_);
    made->dates = &worker_->dates_;
    made->config = std::move(config);
    return made;
  }

 private:
  Worker* worker_;
  mux::Slots slots_;
};

Worker::Worker(const Variation& variation, test::SimNet* net, base::Random* random, uint64_t now_ms)
    : variation_(variation), net_(net), reactor_(now_ms), h2_options_(OptionsOf(variation)) {
  context_.reactor = &reactor_;
  context_.pool = &pool_;
  context_.receive = &receive_;
  context_.dialer = net;
  context_.stats = registry_.NewBlock();
  context_.random = random;
  if (variation.HasTls()) {
    tls_ = std::make_unique<net::tls::TlsWorker>(&reactor_, &pool_);
    context_.tls = tls_.get();
  }
  clusters_.resize(variation.up.size());
  pools_.resize(variation.up.size());
  Take(variation.First());
}

Worker::~Worker() {
  served_.reset();
  leaving_.clear();
  reactor_.RunTurn();
  pools_.clear();
  retired_.clear();
  reactor_.RunTurn();
  receive_.Drop();
}

Worker::Served::~Served() {
  DeleteAll();
  terminal.reset();
}

void Worker::Served::OnPlaceFreed() {
  // Not here: this is a call of one of theirs.
  if (this == worker->served_.get() || std::exchange(worker->sweeping_, true)) return;
  worker->posted_.emplace_back([owner = worker] { owner->Sweep(); });
}

// ---- What a configuration is made into ----------------------------------------------------------

void Worker::Take(const Setting& setting) {
  config::Diagnostics diagnostics;
  server::ServerContext server;
  server.bootstrap = Load(variation_, setting);
  server.plugins = Plugins();
  server.plugin_host = Host();
  server.stats = &registry_;
  server.diagnostics = &diagnostics;
  bootstraps_.push_back(server.bootstrap);
  if (variation_.HasTls()) {
    server.cluster_tls = server::BuildClusterTls(server);
    if (server.cluster_tls == nullptr) Die(diagnostics.Print());
  }
  AdoptClusters(server, setting);
  if (served_ != nullptr && served_->setting.SameListener(setting)) return;
  std::unique_ptr<Served> next = MakeServed(server, setting);
  std::swap(served_, next);
  if (next == nullptr) return;
  next->DrainAll();
  leaving_.push_back(std::move(next));
}

void Worker::AdoptClusters(const server::ServerContext& server, const Setting& setting) {
  for (size_t i = 0; i < server.bootstrap->clusters.size(); ++i) {
    const uint32_t slot = SlotOf(server.bootstrap->clusters[i]);
    Cluster& cluster = clusters_[slot];
    const bool same =
        pools_[slot] != nullptr && cluster.present && cluster.version == setting.versions[slot];
    if (same) continue;
    Retire(slot);
    cluster = Cluster();
    cluster.present = true;
    cluster.version = setting.versions[slot];
    cluster.bootstrap = server.bootstrap;
    cluster.tls = server.cluster_tls;
    pools_[slot] = MakePool(server, i, &cluster);
  }
  for (uint32_t slot = 0; slot < clusters_.size(); ++slot) {
    if (!setting.present[slot]) clusters_[slot].present = false;
  }
}

std::unique_ptr<upstream::Pool> Worker::MakePool(const server::ServerContext& server, size_t index,
                                                 Cluster* cluster) {
  const config::Cluster& config = server.bootstrap->clusters[index];
  upstream::UpstreamCodec codec = CodecOf(config, variation_, &h2_options_);
  if (auto transport = server::MakeTlsTransport(server, index, &context_))
    codec.transport = std::make_shared<TappedTransport>(std::move(transport), net_);
  const auto stats = observe::BindClusterStats(&registry_, context_.stats, config.name);
  auto made = std::make_unique<upstream::Pool>(&context_, &config, std::move(codec), stats, 1);
  cluster->members = std::make_shared<upstream::Members>(upstream::ConfiguredMembers(config));
  made->Follow(cluster->members,
               [this](std::function<void()> work) { posted_.push_back(std::move(work)); });
  return made;
}

std::unique_ptr<Worker::Served> Worker::MakeServed(const server::ServerContext& server,
                                                   const Setting& setting) {
  auto served = std::make_unique<Served>(this);
  served->setting = setting;
  served->bootstrap = server.bootstrap;
  auto slots = std::make_shared<std::vector<uint32_t>>();
  for (const config::Cluster& cluster : server.bootstrap->clusters)
    slots->push_back(SlotOf(cluster));
  const config::Listener& listener = server.bootstrap->listeners[0];
  auto built = hcm::BuildHcm(server, listener, *listener.filter_chains[0].filters.back().http);
  if (built == nullptr) Die(server.diagnostics->Print());
  for (http::CodecChoice& choice : std::const_pointer_cast<hcm::HcmConfig>(built)->codecs.choices)
    Vary(variation_, &h2_options_, &choice);
  managers_.push_back(built);
  served->factory = server::MakeTlsListener(
      server, listener, listener.filter_chains[0],
      std::make_unique<hcm::HcmFactory>(std::move(built),
                                        std::make_shared<Maker>(this, std::move(slots))));
  if (served->factory == nullptr) Die(server.diagnostics->Print());
  served->terminal = served->factory->ForWorker(&context_);
  return served;
}

// ---- What happens to it -------------------------------------------------------------------------

void Worker::Accept(std::unique_ptr<net::Io> io) {
  net::AcceptedConnection accepted;
  accepted.place = net::ConnectionPlace(served_.get());
  accepted.io = std::move(io);
  accepted.peer = *net::Address::Parse("10.0.0.1:4711");
  accepted.local = *net::Address::Parse("127.0.0.1:80");
  accepted.buffer_limit = served_->bootstrap->listeners[0].per_connection_buffer_limit_bytes;
  served_->terminal->Serve(std::move(accepted));
}

void Worker::Drain() {
  if (std::exchange(context_.draining, true)) return;
  served_->DrainAll();
  for (const auto& pool : pools_) {
    if (pool != nullptr) pool->Drain();
  }
}

void Worker::Adopt(const Setting& next) {
  if (context_.draining) return;
  Take(next);
  Sweep();
}

void Worker::Retire(uint32_t slot) {
  if (pools_[slot] == nullptr) return;
  Cluster old = std::move(clusters_[slot]);
  const auto stats =
      observe::BindClusterStats(&registry_, context_.stats, "app" + std::to_string(slot));
  stats.membership_total->Set(0);
  stats.membership_healthy->Set(0);
  clusters_[slot] = Cluster();
  clusters_[slot].present = old.present;
  old.pool = std::move(pools_[slot]);
  old.pool->Drain();
  retired_.push_back(std::move(old));
}

void Worker::Sweep() {
  sweeping_ = false;
  const auto over = [](const std::unique_ptr<Served>& served) { return served->open() == 0; };
  leaving_.erase(std::remove_if(leaving_.begin(), leaving_.end(), over), leaving_.end());
  if (!leaving_.empty()) return;
  for (uint32_t slot = 0; slot < clusters_.size(); ++slot) {
    if (!clusters_[slot].present && pools_[slot] != nullptr) Retire(slot);
  }
}

void Worker::Publish(uint32_t cluster, upstream::MemberList members) {
  if (pools_[cluster] != nullptr) clusters_[cluster].members->Publish(std::move(members));
}

void Worker::RunPosted() {
  std::vector<std::function<void()>> posted = std::move(posted_);
  posted_.clear();
  for (const auto& work : posted) work();
  const auto unused = [](const Cluster& cluster) { return cluster.pool->Unused(); };
  retired_.erase(std::remove_if(retired_.begin(), retired_.end(), unused), retired_.end());
}

// ---- How it looks -------------------------------------------------------------------------------

uint32_t Worker::downstream_open() const {
  uint32_t open = served_->open();
  for (const auto& served : leaving_) open += served->open();
  return open;
}

uint32_t Worker::upstream_open() const {
  uint32_t open = 0;
  for (const auto& pool : pools_) open += pool == nullptr ? 0 : pool->connections();
  for (const Cluster& cluster : retired_) open += cluster.pool->connections();
  return open;
}

bool Worker::Shows(const Cluster& cluster, uint16_t port) {
  if (cluster.members == nullptr) return false;
  for (const upstream::Member& member : cluster.members->list()->members) {
    for (const net::Address& address : member.addresses) {
      if (address.port() == port) return true;
    }
  }
  return false;
}

bool Worker::Has(uint16_t port) const {
  return std::any_of(clusters_.begin(), clusters_.end(),
                     [port](const Cluster& cluster) { return Shows(cluster, port); });
}

bool Worker::MayDial(uint16_t port) const {
  return Has(port) || std::any_of(retired_.begin(), retired_.end(), [port](const Cluster& cluster) {
           return Shows(cluster, port) && !cluster.pool->Unused();
         });
}

std::string Worker::OldThings() const {
  std::set<const config::Bootstrap*> used = {served_->bootstrap.get()};
  for (const Cluster& cluster : clusters_) {
    if (cluster.bootstrap != nullptr) used.insert(cluster.bootstrap.get());
  }
  const auto alive = [](const auto& things) {
    return std::count_if(things.begin(), things.end(), [](const auto& t) { return !t.expired(); });
  };
  std::string left;
  if (alive(bootstraps_) != static_cast<ptrdiff_t>(used.size())) left += ", old configurations";
  if (alive(managers_) != 1) left += ", old connection managers";
  if (!leaving_.empty()) left += ", replaced listeners";
  if (!retired_.empty()) left += ", replaced clusters";
  for (uint32_t slot = 0; slot < pools_.size(); ++slot) {
    if (pools_[slot] == nullptr) continue;
    const size_t hosts = pools_[slot]->hosts().size();
    if (hosts != clusters_[slot].members->list()->members.size()) left += ", other endpoints";
    if (!context_.draining &&
        Stat("cluster.app" + std::to_string(slot) + ".membership_total") != hosts)
      left += ", a wrong membership_total";
  }
  return left;
}

std::string Worker::Leftovers() const {
  std::string left;
  const auto note = [&left](const std::string& what, uint64_t n) {
    if (n != 0) left += ", " + what + " " + std::to_string(n);
  };
  registry_.ForEach([&](const std::string& name, observe::StatKind kind, uint64_t value) {
    const bool fixed = name.find("membership") != std::string::npos;
    if (kind == observe::StatKind::kGauge && !fixed) note(name, value);
  });
  note("connections", upstream_open());
  for (const auto& pool : pools_) {
    if (pool == nullptr) continue;
    note("pending", pool->pending());
    // What is gone is looked at again when the endpoints are told again.
    pool->SetMembers(clusters_[static_cast<size_t>(&pool - pools_.data())].members->list());
    note("gone hosts", pool->gone_hosts());
    for (const upstream::Host* host : pool->hosts()) {
      note("a host's active requests", host->active_requests);
      note("a host's connections", host->connections);
      note("a host's connects", host->connecting);
      note("a host's pending", host->pending_count);
    }
  }
  note("downstream connections", downstream_open());
  note("pinned bytes", pool_.pinned_bytes());
  left += OldThings();
  return left.empty() ? left : left.substr(2);
}

uint64_t Worker::Stat(const std::string& wanted) const {
  uint64_t found = 0;
  registry_.ForEach([&](const std::string& name, observe::StatKind, uint64_t value) {
    if (name == wanted) found = value;
  });
  return found;
}

}  // namespace weir::sim
