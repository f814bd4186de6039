#include "core/config/loader.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <istream>

#include <sys/stat.h>

#include "core/config/names.h"
#include "core/config/tables.h"
#include "core/config/yaml.h"

namespace weir::config {
namespace {

std::optional<std::string> ProcessEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

// Fills in what only the whole file decides.
void CompleteBootstrap(Bootstrap* bootstrap, std::string_view default_protocol) {
  for (Cluster& cluster : bootstrap->clusters) {
    if (cluster.protocol.empty()) cluster.protocol = default_protocol;
    if (!cluster.dns_resolver) cluster.dns_resolver = bootstrap->dns_resolver;
  }
}

// One byte more than is allowed is asked for, so that a stream without end (a pipe) is refused as
// too large, not read for ever; memory is touched for what there is only.
std::string ReadAtMost(std::istream& file, std::size_t most) {
  std::string text;
  char block[65536];
  while (file && text.size() < most) {
    file.read(block, static_cast<std::streamsize>(
                         std::min<std::size_t>(sizeof(block), most - text.size())));
    text.append(block, static_cast<std::size_t>(file.gcount()));
  }
  return text;
}

LoadResult Unreadable(const std::string& path, const std::string& reason) {
  LoadResult result;
  result.diagnostics = Diagnostics(path, "");
  result.diagnostics.Add({}, "the file cannot be read: " + reason);
  return result;
}

}  // namespace

LoadResult LoadString(std::string_view text, const std::string& name, const LoadOptions& options) {
  LoadResult result;
  result.diagnostics = Diagnostics(name, std::string(text));
  const Environment environment = options.environment ? options.environment : ProcessEnvironment;
  const auto root = ParseYaml(text, environment, &result.diagnostics);
  if (root == nullptr) return result;
  Context context(&result.diagnostics, options);
  auto bootstrap = std::make_shared<Bootstrap>();
  ReadMap(context, Field{"the configuration", Mark{1, 1}, root}, BootstrapKeys(), bootstrap.get());
  if (root->is_map() && bootstrap->listeners.empty() && result.diagnostics.ok()) {
    context.Add({1, 1}, "the configuration has no listeners", "listeners");
  }
  CompleteBootstrap(bootstrap.get(), DefaultProtocol());
  ApplyListenerLimits(context, bootstrap.get());
  CheckBootstrap(context, *bootstrap);
  if (result.diagnostics.ok()) result.bootstrap = std::move(bootstrap);
  return result;
}

LoadResult LoadFile(const std::string& path, const LoadOptions& options) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return Unreadable(path, std::strerror(errno));
  if (S_ISDIR(info.st_mode)) return Unreadable(path, "it is a directory");
  std::ifstream file(path, std::ios::binary);
  if (!file) return Unreadable(path, std::strerror(errno));
  const std::string text = ReadAtMost(file, YamlLimits{}.max_text_bytes + 1);
  if (file.bad()) return Unreadable(path, std::strerror(errno));
  return LoadString(text, path, options);
}

LoadResult ProxyBootstrap(std::string_view from, std::string_view to, const LoadOptions& options) {
  LoadResult result;
  const auto check = [&](const char* option, std::string_view text, bool names) {
    std::string expected;
    const auto address = ParseAddress(text, &expected);
    if (!address || (!names && !address->literal)) {
      if (address) expected = "an IP address or a Unix socket";
      result.diagnostics = Diagnostics(option, "");
      result.diagnostics.Add({}, Quote(text) + " is no address", expected);
      return false;
    }
    return true;
  };
  if (!check("--from", from, false) || !check("--to", to, true)) return result;
  auto match = PrintMap({{"prefix", PrintText("/")}});
  auto action = PrintMap({{"cluster", PrintText("backend")}});
  auto routes = Node::Sequence({});
  routes->Add("", {}, PrintMap({{"match", match}, {"route", action}}));
  auto upgrades = Node::Sequence({});
  upgrades->Add("", {}, PrintText("websocket"));
  auto listeners = Node::Sequence({});
  listeners->Add(
      "", {},
      PrintMap({{"address", PrintText(std::string(from))},
                {"http", PrintMap({{"routes", routes}, {"upgrade_configs", upgrades}})}}));
  auto endpoints = Node::Sequence({});
  endpoints->Add("", {}, PrintText(std::string(to)));
  auto clusters = Node::Sequence({});
  clusters->Add("", {}, PrintMap({{"name", PrintText("backend")}, {"endpoints", endpoints}}));
  const auto root = PrintMap({{"listeners", listeners}, {"clusters", clusters}});
  return LoadString(PrintYaml(*root), "weir proxy", options);
}

std::string Expand(const Bootstrap& bootstrap) {
  return PrintYaml(*ExpandTree(bootstrap));
}

std::shared_ptr<const Node> ExpandTree(const Bootstrap& bootstrap) {
  return PrintKeys(BootstrapKeys(), bootstrap);
}

}  // namespace weir::config
