#include "core/server/generation.h"

#include <utility>

#include "core/server/fingerprint.h"
#include "core/server/tls_cluster.h"

namespace weir::server {
namespace {

using Named = std::map<std::string, std::string>;  // fingerprints by name

std::string Change(const std::string& what, const std::string& name, const char* how) {
  std::string text = what;
  return text.append(" ").append(name).append(": ").append(how);
}

void AddChanges(const std::string& what, const Named& before, const Named& after,
                std::vector<std::string>* out) {
  for (const auto& [name, fingerprint] : after) {
    const auto had = before.find(name);
    if (had == before.end()) {
      out->push_back(Change(what, name, "added"));
    } else if (had->second != fingerprint) {
      out->push_back(Change(what, name, "changed"));
    }
  }
  for (const auto& [name, fingerprint] : before) {
    if (after.count(name) == 0) out->push_back(Change(what, name, "removed"));
  }
}

Named ListenersOf(const Generation& generation) {
  Named named;
  for (const auto& spec : generation.listeners.specs())
    named[spec->config->name] = spec->fingerprint;
  return named;
}

Named ClustersOf(const Generation& generation) {
  Named named;
  const auto& clusters = generation.context.bootstrap->clusters;
  for (size_t i = 0; i < clusters.size(); ++i)
    named[clusters[i].name] = generation.context.cluster_ids->fingerprints[i];
  return named;
}

bool SameLimits(const config::Limits& a, const config::Limits& b) {
  return a.max_connections == b.max_connections && a.max_memory_bytes == b.max_memory_bytes &&
         a.max_body_bytes_per_worker == b.max_body_bytes_per_worker && a.slow_hook == b.slow_hook &&
         a.dns_warm_timeout == b.dns_warm_timeout;
}

}  // namespace

std::shared_ptr<const ClusterIds> GenerationMaker::IdsOf(const config::Bootstrap& bootstrap) {
  auto slots = std::make_shared<std::vector<uint32_t>>();
  auto ids = std::make_shared<ClusterIds>();
  for (const config::Cluster& cluster : bootstrap.clusters) {
    slots->push_back(
        slots_.emplace(cluster.name, static_cast<uint32_t>(slots_.size())).first->second);
    ids->fingerprints.push_back(FingerprintOf(cluster, common_.plugins));
  }
  ids->slots = std::move(slots);
  return ids;
}

std::unique_ptr<Generation> GenerationMaker::Make(config::LoadResult* loaded,
                                                  const Generation* previous) {
  if (previous != nullptr) common_.plugins->Refresh();
  auto made = std::make_unique<Generation>();
  ServerContext& context = made->context;
  context = common_;
  context.bootstrap = loaded->bootstrap;
  context.diagnostics = &loaded->diagnostics;
  context.cluster_ids = IdsOf(*loaded->bootstrap);
  const bool prepared = wiring_.prepare == nullptr || wiring_.prepare(&context);
  if (previous != nullptr) KeepClusterTls(previous->context, &context);
  const ListenerSet* before = previous == nullptr ? nullptr : &previous->listeners;
  if (!made->listeners.Build(context, wiring_, before) || !prepared || !loaded->diagnostics.ok())
    return nullptr;
  context.diagnostics = nullptr;
  for (const plugins::Plugin* plugin : context.plugins->plugins())
    made->plugins.push_back(plugin->descriptor);
  return made;
}

std::vector<std::string> ChangesOf(const Generation& before, const Generation& after) {
  std::vector<std::string> changes;
  AddChanges("listener", ListenersOf(before), ListenersOf(after), &changes);
  AddChanges("cluster", ClustersOf(before), ClustersOf(after), &changes);
  if (!SameLimits(before.context.bootstrap->limits, after.context.bootstrap->limits))
    changes.emplace_back("limits: changed");
  return changes;
}

}  // namespace weir::server
