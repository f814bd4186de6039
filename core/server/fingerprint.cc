#include "core/server/fingerprint.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

#include <openssl/sha.h>
#include <sys/stat.h>

#include "core/config/tables.h"
#include "core/config/yaml.h"

namespace weir::server {
namespace {

constexpr off_t kMostHashed = 64 << 20;
constexpr size_t kLongestPath = 4096;

std::string Digest(const std::string& text) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const uint8_t*>(text.data()), text.size(),
         reinterpret_cast<uint8_t*>(digest.data()));
  return digest;
}

bool MayBePath(const std::string& text) {
  return text.size() < kLongestPath && text.find_first_of("/.") != std::string::npos;
}

bool IsFile(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

// Which of a filter's texts is a path only the filter knows: whatever names a file is taken as one.
// Not those of TLS: they are followed while the configuration stays. Its context stands `tls_at`
// levels below.
void AddFiles(const config::Node& node, int tls_at, std::string* out) {
  if (node.is_scalar() && MayBePath(node.text()) && IsFile(node.text()))
    *out += node.text() + "\n" + FingerprintOfFile(node.text());
  for (const config::Node::Entry& entry : node.entries()) {
    const bool tls = tls_at == 0 && entry.key == "transport_socket";
    if (!tls && entry.key != "access_log") AddFiles(*entry.value, tls_at - 1, out);
  }
}

constexpr int kOfCluster = 0;
constexpr int kOfListener = 2;  // filter_chains, one of them

std::string WithFiles(const config::Node& node, int tls_at, const plugins::PluginLoader* plugins) {
  std::string text = config::PrintYaml(node);
  if (plugins != nullptr) text += plugins->ReplacedOf(text);
  AddFiles(node, tls_at, &text);
  return text;
}

std::string TextOf(const config::Address& address) {
  return std::string(reinterpret_cast<const char*>(address.ip.data()), address.ip.size()) +
         address.path + ":" + std::to_string(address.port);
}

}  // namespace

std::string FingerprintOfFile(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return "none";
  if (status.st_size > kMostHashed) {
    return std::to_string(status.st_dev) + " " + std::to_string(status.st_ino) + " " +
           std::to_string(status.st_size) + " " + std::to_string(status.st_mtim.tv_sec) + " " +
           std::to_string(status.st_mtim.tv_nsec);
  }
  std::ifstream file(path, std::ios::binary);
  return Digest(std::string(std::istreambuf_iterator<char>(file), {}));
}

std::string FingerprintOf(const config::Cluster& cluster, const plugins::PluginLoader* plugins) {
  std::string text =
      WithFiles(*config::PrintKeys(config::ClusterKeys(), cluster), kOfCluster, plugins);
  text += cluster.protocol;
  for (const config::Endpoint& endpoint : cluster.endpoints) {
    std::vector<std::string> addresses = {TextOf(endpoint.address)};
    for (const config::Address& more : endpoint.additional_addresses)
      addresses.push_back(TextOf(more));
    std::sort(addresses.begin(), addresses.end());
    for (const std::string& address : addresses) text += "\n" + address;
  }
  return Digest(text);
}

std::string FingerprintOf(const config::Bootstrap& bootstrap, const config::Listener& listener,
                          const plugins::PluginLoader* plugins) {
  std::string text =
      WithFiles(*config::PrintKeys(config::ListenerKeys(), listener), kOfListener, plugins);
  for (const config::FilterChain& chain : listener.filter_chains) {
    for (const config::NetworkFilter& filter : chain.filters) {
      if (filter.tcp_proxy != nullptr)
        text += FingerprintOf(bootstrap.clusters[filter.tcp_proxy->cluster_index], plugins);
    }
  }
  return Digest(text);
}

}  // namespace weir::server
