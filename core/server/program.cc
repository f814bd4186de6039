#include "core/server/program.h"

#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <utility>

#include "core/config/loader.h"
#include "core/explain/strict.h"
#include "core/http/hook_time.h"
#include "core/server/cluster_dns.h"
#include "core/server/fingerprint.h"
#include "core/server/generation.h"
#include "core/server/main_health.h"
#include "core/server/pid_file.h"
#include "core/server/plugin_host.h"
#include "core/server/plugin_list.h"
#include "core/server/release_queue.h"
#include "core/server/reloader.h"
#include "core/server/server.h"
#include "core/server/top/top.h"
#include "core/server/upgrade.h"
#include "plugins/loader/search_path.h"

namespace weir::server {
namespace {

config::LoadResult Load(const Options& options) {
  if (options.command == Command::kProxy)
    return config::ProxyBootstrap(options.proxy_from, options.proxy_to);
  if (!options.config_path.empty()) return config::LoadFile(options.config_path);
  return config::LoadString(options.config_yaml, "--config-yaml");
}

int Refuse(const Options& options, const config::Diagnostics& diagnostics) {
  const std::string text = diagnostics.Print();
  std::fputs(text.c_str(), stderr);
  UpgradeReport::Failed(text);
  // 1 is an answer of explain's.
  return options.command == Command::kExplain ? kExitUsage : kExitConfig;
}

// A command that looks at the configuration and serves nothing.
bool OnlyLooks(Command command) {
  return command == Command::kValidate || command == Command::kPlugins ||
         command == Command::kExplain;
}

bool OpenLog(const Options& options) {
  base::SetLogLevel(options.log_level);
  std::string error;
  if (options.log_path.empty() || base::OpenLogFile(options.log_path, &error)) return true;
  std::fprintf(stderr, "weir: --log-path: %s\n", error.c_str());
  return false;
}

int Serve(const Options& options, const Wiring& wiring, GenerationMaker* maker,
          ReleaseQueue* releases, std::unique_ptr<Generation> first, std::string seen) {
  Reloader::Parts parts;
  parts.load = [&options] { return Load(options); };
  parts.maker = maker;
  parts.releases = releases;
  parts.stats = first->context.stats;
  parts.address_file = options.address_file;
  if (options.watch) parts.watched_file = options.config_path;
  parts.watched_seen = std::move(seen);
  Generation& present = *first;
  parts.first = std::move(first);
  Reloader reloader(std::move(parts));
  InheritedSockets inherited;
  std::string error;
  if (!inherited.FromEnvironment(&error)) {
    std::fprintf(stderr, "weir: %s\n", error.c_str());
    UpgradeReport::Failed(error);
    return kExitBind;
  }
  present.listeners.Inherit(&inherited);
  Server server(options, &present.context, &wiring, &present.listeners);
  server.set_reloader(&reloader);
  return server.Run();
}

// The commands that look at a configuration without mistakes.
int Look(const Options& options, const Wiring& wiring, const Generation& generation,
         config::Diagnostics* diagnostics) {
  if (options.command == Command::kPlugins) {
    const std::vector<PluginRow> rows = ListPlugins(*generation.context.plugins);
    std::fputs((options.json ? PluginJson(rows) : PluginTable(rows)).c_str(), stdout);
    return kExitOk;
  }
  if (options.command == Command::kExplain) {
    ServerContext context = generation.context;
    context.diagnostics = diagnostics;
    return wiring.explain == nullptr ? kExitUsage : wiring.explain(context, options.explain);
  }
  if (options.strict) {
    config::Diagnostics warnings = *diagnostics;  // none yet; it has the file's text
    explain::CheckStrict(*generation.context.bootstrap, {static_cast<int64_t>(std::time(nullptr))},
                         &warnings);
    std::fputs(warnings.Print().c_str(), stderr);
    if (!warnings.ok()) {
      std::printf("%s: no mistakes, %zu %s\n", options.config_path.c_str(), warnings.count(),
                  warnings.count() == 1 ? "warning" : "warnings");
      return kExitWarnings;
    }
  }
  std::printf("%s: no mistakes\n", options.config_path.c_str());
  return kExitOk;
}

int Execute(const Options& options, const Wiring& wiring) {
  std::string seen = options.watch ? FingerprintOfFile(options.config_path) : "";
  config::LoadResult loaded = Load(options);
  if (!loaded.ok()) return Refuse(options, loaded.diagnostics);
  if (options.command == Command::kExpand) {
    std::fputs(config::Expand(*loaded.bootstrap).c_str(), stdout);
    return kExitOk;
  }
  const bool serving = !OnlyLooks(options.command);
  if (serving) BlockSignals();
  // In this order they must outlive each other: what a plugin made is freed before the loader goes.
  observe::StatRegistry stats;
  observe::LogWriter access_logs(&stats);
  if (!serving) access_logs.OnlyCheck();
  http::SetSlowHookLimit(static_cast<uint64_t>(loaded.bootstrap->limits.slow_hook.count()));
  PluginHost host({&stats, options.concurrency, !serving});
  plugins::PluginLoader loader(
      {plugins::DefaultSearchPath(options.plugin_path), host.table(), wiring.plugins});
  ReleaseQueue releases;
  ClusterDns dns(&stats);
  ServerContext context;
  context.workers = options.concurrency;
  context.plugins = &loader;
  context.plugin_host = host.table();
  context.stats = &stats;
  context.access_logs = &access_logs;
  if (serving) context.dns = &dns;
  context.releases = &releases;
  context.drain_time = options.drain_time;
  GenerationMaker maker(context, wiring);
  std::unique_ptr<Generation> generation = maker.Make(&loaded, nullptr);
  if (generation == nullptr) return Refuse(options, loaded.diagnostics);
  if (serving)
    return Serve(options, wiring, &maker, &releases, std::move(generation), std::move(seen));
  return Look(options, wiring, *generation, &loaded.diagnostics);
}

}  // namespace

int RunProgram(int argc, const char* const* argv, const Wiring& wiring) {
  const ParsedOptions parsed = ParseOptions(argc, argv);
  if (!parsed.options) {
    std::fputs(parsed.text.c_str(), parsed.exit_code == kExitOk ? stdout : stderr);
    return parsed.exit_code;
  }
  const Options& options = *parsed.options;
  if (options.command == Command::kNewFilter) return RunNewFilter(options.new_filter);
  if (options.command == Command::kTop) return RunTop(options.top);
  if (options.command == Command::kPluginTest) {
    return wiring.plugin_test == nullptr ? kExitUsage : wiring.plugin_test(options.plugin_test);
  }
  if (options.command == Command::kHealth) return RunHealth(options.health);
  if (options.command == Command::kUpgrade) return RunUpgradeCommand(options.pid_file);
  UpgradeReport::FromEnvironment();
  if (!OpenLog(options)) return kExitUsage;
  return Execute(options, wiring);
}

}  // namespace weir::server
