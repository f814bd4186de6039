#include "tests/simulation/worker.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
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

std::shared_ptr<const config::Bootstrap> Load(const Variation& variation) {
  const std::string text = variation.Yaml();
  config::LoadResult loaded = config::LoadString(text, "sim.yaml");
  if (!loaded.ok()) Die(text + loaded.diagnostics.Print());
  // What has no short key.
  auto bootstrap = std::make_shared<config::Bootstrap>(*loaded.bootstrap);
  if (variation.tls_down) {
    bootstrap->listeners[0].filter_chains[0].tls = SimCertificates::Listener();
    bootstrap->listeners[0].filter_chains[0].transport_socket_connect_timeout =
        config::Milliseconds(3000);
  }
  for (uint32_t i = 0; i < bootstrap->clusters.size(); ++i) {
    if (variation.TlsUp(i)) bootstrap->clusters[i].tls = SimCertificates::Cluster();
  }
  for (config::Cluster& cluster : bootstrap->clusters) {
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
  explicit Maker(Worker* worker) : worker_(worker) {}

  std::unique_ptr<hcm::HcmWorker> Make(std::shared_ptr<const hcm::HcmConfig> config,
                                       net::WorkerContext* context) override {
    auto made = std::make_unique<hcm::HcmWorker>();
    made->worker = context;
    made->stats =
        observe::BindHttpStats(&worker_->registry_, context->stats, config->settings->stat_prefix);
    made->terminals = std::make_unique<mux::Mux>(&worker_->pools_);
    made->dates = &worker_->dates_;
    made->config = std::move(config);
    return made;
  }

 private:
  Worker* worker_;
};

Worker::Worker(const Variation& variation, test::SimNet* net, base::Random* random, uint64_t now_ms)
    : reactor_(now_ms), h2_options_(OptionsOf(variation)), bootstrap_(Load(variation)) {
  context_.reactor = &reactor_;
  context_.pool = &pool_;
  context_.receive = &receive_;
  context_.dialer = net;
  context_.stats = registry_.NewBlock();
  context_.random = random;
  config::Diagnostics diagnostics;
  server::ServerContext server;
  server.bootstrap = bootstrap_;
  server.plugins = Plugins();
  server.plugin_host = Host();
  server.stats = &registry_;
  server.diagnostics = &diagnostics;
  if (variation.HasTls()) {
    tls_ = std::make_unique<net::tls::TlsWorker>(&reactor_, &pool_);
    context_.tls = tls_.get();
    server.cluster_tls = server::BuildClusterTls(server);
    if (server.cluster_tls == nullptr) Die(diagnostics.Print());
  }
  for (size_t i = 0; i < bootstrap_->clusters.size(); ++i) {
    const config::Cluster& cluster = bootstrap_->clusters[i];
    upstream::UpstreamCodec codec = CodecOf(cluster, variation, &h2_options_);
    if (auto transport = server::MakeTlsTransport(server, i, &context_))
      codec.transport = std::make_shared<TappedTransport>(std::move(transport), net);
    const auto stats = observe::BindClusterStats(&registry_, context_.stats, cluster.name);
    pools_.push_back(
        std::make_unique<upstream::Pool>(&context_, &cluster, std::move(codec), stats, 1));
  }
  const config::Listener& listener = bootstrap_->listeners[0];
  auto built = hcm::BuildHcm(server, listener, *listener.filter_chains[0].filters.back().http);
  if (built == nullptr) Die(diagnostics.Print());
  for (http::CodecChoice& choice : std::const_pointer_cast<hcm::HcmConfig>(built)->codecs.choices)
    Vary(variation, &h2_options_, &choice);
  factory_ = server::MakeTlsListener(
      server, listener, listener.filter_chains[0],
      std::make_unique<hcm::HcmFactory>(std::move(built), std::make_shared<Maker>(this)));
  if (factory_ == nullptr) Die(diagnostics.Print());
  terminal_ = factory_->ForWorker(&context_);
}

Worker::~Worker() {
  home_.DeleteAll();
  reactor_.RunTurn();
  terminal_.reset();
  pools_.clear();
  reactor_.RunTurn();
  receive_.Drop();
}

void Worker::Accept(std::unique_ptr<net::Io> io) {
  net::AcceptedConnection accepted;
  accepted.place = net::ConnectionPlace(&home_);
  accepted.io = std::move(io);
  accepted.peer = *net::Address::Parse("10.0.0.1:4711");
  accepted.local = *net::Address::Parse("127.0.0.1:80");
  accepted.buffer_limit = bootstrap_->listeners[0].per_connection_buffer_limit_bytes;
  terminal_->Serve(std::move(accepted));
}

void Worker::Drain() {
  if (std::exchange(context_.draining, true)) return;
  home_.DrainAll();
  for (const auto& pool : pools_) pool->Drain();
}

uint32_t Worker::upstream_open() const {
  uint32_t open = 0;
  for (const auto& pool : pools_) open += pool->connections();
  return open;
}

std::string Worker::Leftovers() const {
  std::string left;
  const auto note = [&left](const std::string& what, uint64_t n) {
    if (n != 0) left += (left.empty() ? "" : ", ") + what + " " + std::to_string(n);
  };
  registry_.ForEach([&](const std::string& name, observe::StatKind kind, uint64_t value) {
    const bool fixed = name.find("membership") != std::string::npos;
    if (kind == observe::StatKind::kGauge && !fixed) note(name, value);
  });
  note("connections", upstream_open());
  for (const auto& pool : pools_) {
    note("pending", pool->pending());
    for (const upstream::Host* host : pool->hosts()) {
      note("a host's active requests", host->active_requests);
      note("a host's connections", host->connections);
      note("a host's connects", host->connecting);
      note("a host's pending", host->pending_count);
    }
  }
  note("downstream connections", home_.open());
  note("pinned bytes", pool_.pinned_bytes());
  return left;
}

uint64_t Worker::Stat(const std::string& wanted) const {
  uint64_t found = 0;
  registry_.ForEach([&](const std::string& name, observe::StatKind, uint64_t value) {
    if (name == wanted) found = value;
  });
  return found;
}

}  // namespace weir::sim
