#include "core/explain/strict.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <sys/stat.h>

#include "core/explain/certificate_facts.h"
#include "core/explain/strict_routes.h"

namespace weir::explain {
namespace {

class Checker {
 public:
  Checker(const config::Bootstrap& bootstrap, const StrictOptions& options,
          config::Diagnostics* warnings)
      : bootstrap_(bootstrap), options_(options), warnings_(warnings) {}

  void Run() {
    for (const config::Listener& listener : bootstrap_.listeners) Listener(listener);
    Addresses();
    for (const config::Cluster& cluster : bootstrap_.clusters) Cluster(cluster);
  }

 private:
  void Warn(config::Mark mark, const std::string& message, const char* rule) {
    warnings_->Add(mark, "warning: " + message + " [" + rule + "]");
  }

  void Listener(const config::Listener& listener) {
    for (const config::ListenerFilter& filter : listener.listener_filters)
      Mentions(filter.typed_config);
    for (const config::FilterChain& chain : listener.filter_chains) {
      if (chain.tls != nullptr) Tls(*chain.tls);
      for (const config::NetworkFilter& filter : chain.filters) NetworkFilter(listener, filter);
    }
  }

  void NetworkFilter(const config::Listener& listener, const config::NetworkFilter& filter) {
    if (filter.tcp_proxy != nullptr) used_.insert(filter.tcp_proxy->cluster);
    if (filter.http == nullptr) {
      if (filter.tcp_proxy == nullptr) Mentions(filter.typed_config);
      return;
    }
    const config::HttpConnectionManager& http = *filter.http;
    CheckStrictRoutes(listener, http, warnings_);
    for (const config::HttpFilter& one : http.http_filters) Mentions(one.typed_config);
    for (const config::AccessLog& log : http.access_log) Mentions(log.typed_config);
    Overrides(http.route_config->typed_per_filter_config);
    for (const config::VirtualHost& host : http.route_config->virtual_hosts) {
      Overrides(host.typed_per_filter_config);
      for (const config::Route& route : host.routes) {
        Overrides(route.typed_per_filter_config);
        if (const auto* action = std::get_if<config::RouteAction>(&route.action))
          used_.insert(action->cluster);
      }
    }
    if (http.request_headers_timeout.count() == 0)
      Warn(http.mark, "request_headers_timeout is 0: a client may take for ever to send a head",
           "unbounded-wait");
  }

  void Overrides(const std::vector<config::PerFilterConfig>& configs) {
    for (const config::PerFilterConfig& config : configs) Mentions(config.typed_config);
  }

  // A plugin calls clusters by name, and only it knows by which key: any scalar may be one.
  void Mentions(const std::shared_ptr<const config::Node>& node) {
    if (node == nullptr) return;
    if (node->is_scalar()) used_.insert(node->text());
    for (const config::Node::Entry& entry : node->entries()) Mentions(entry.value);
  }

  // One wildcard address and one address of the same port: who gets a connection is the kernel's
  // choice, or the second cannot be bound.
  void Addresses() {
    const auto& listeners = bootstrap_.listeners;
    for (const config::Listener& a : listeners) {
      for (const config::Listener& b : listeners) {
        if (&a == &b || !IsAny(a.address) || !Overlaps(a, b.address)) continue;
        Warn(b.mark,
             "listener " + config::Quote(b.name) + " at " + b.address.ToString() + " lies within " +
                 a.address.ToString() + " of listener " + config::Quote(a.name) + " at line " +
                 std::to_string(a.mark.line),
             "overlapping-listeners");
      }
    }
  }

  static bool IsAny(const config::Address& address) {
    return address.kind != config::Address::Kind::kUnix &&
           std::all_of(address.ip.begin(), address.ip.end(),
                       [](uint8_t byte) { return byte == 0; });
  }

  static bool Overlaps(const config::Listener& any, const config::Address& other) {
    if (other.kind == config::Address::Kind::kUnix || other.port == 0) return false;
    if (any.address.port != other.port) return false;
    if (any.address.kind == other.kind) return true;
    return any.ipv4_compat && any.address.kind == config::Address::Kind::kIpv6;
  }

  void Cluster(const config::Cluster& cluster) {
    if (used_.count(cluster.name) == 0)
      Warn(cluster.mark, "no route and no filter uses cluster " + config::Quote(cluster.name),
           "unused-cluster");
    if (cluster.tls == nullptr) return;
    Tls(*cluster.tls);
    if (!cluster.tls->verify)
      Warn(cluster.tls->mark,
           "backends of cluster " + config::Quote(cluster.name) +
               " are not verified: whoever is in between may answer",
           "unverified-backend");
  }

  void Tls(const config::TlsContext& tls) {
    for (const config::TlsCertificate& certificate : tls.certificates) {
      Certificate(certificate.certificate_chain);
      Key(certificate.private_key);
    }
    if (!tls.trusted_ca.empty()) Authorities(tls.trusted_ca);
  }

  static std::string Named(const config::PemSource& source, const CertificateFacts& facts) {
    return (source.filename.empty() ? "" : config::Quote(source.filename) + " ") + "for " +
           config::Quote(facts.names.empty() ? facts.subject : facts.names.front());
  }

  void Certificate(const config::PemSource& source) {
    if (!seen_.insert("certificate " + source.filename + source.inline_string).second) return;
    const CertificateFacts facts = ReadCertificate(source);
    if (!facts.ok) return;
    const int64_t days = DaysUntil(facts.not_after, options_.now);
    const std::string what = "the certificate " + Named(source, facts);
    if (facts.not_before > options_.now) {
      Warn(source.mark, what + " is not valid yet", "certificate-not-yet-valid");
    } else if (days < 0) {
      Warn(source.mark, what + " has expired", "expired-certificate");
    } else if (days < options_.least_days) {
      Warn(source.mark,
           what + " expires in " + std::to_string(days) + (days == 1 ? " day" : " days"),
           "expiring-certificate");
    }
  }

  // A bundle has some that have expired, and works; without any other it does not.
  void Authorities(const config::PemSource& source) {
    if (!seen_.insert("authorities " + source.filename + source.inline_string).second) return;
    const std::vector<CertificateFacts> all = ReadCertificates(source);
    const bool expired = std::all_of(all.begin(), all.end(), [&](const CertificateFacts& facts) {
      return facts.ok && facts.not_after < options_.now;
    });
    if (expired)
      Warn(source.mark, "every authority in trusted_ca has expired: nobody is verified by them",
           "expired-certificate");
  }

  void Key(const config::PemSource& source) {
    if (source.filename.empty()) return;
    struct stat info {};
    if (stat(source.filename.c_str(), &info) != 0 || (info.st_mode & S_IROTH) == 0) return;
    if (seen_.insert("key " + source.filename).second)
      Warn(source.mark,
           "the private key " + config::Quote(source.filename) +
               " may be read by every user of this machine",
           "readable-key");
  }

  const config::Bootstrap& bootstrap_;
  const StrictOptions& options_;
  config::Diagnostics* warnings_;
  std::set<std::string> used_;  // names of clusters
  std::set<std::string> seen_;  // files: each is warned of once
};

}  // namespace

void CheckStrict(const config::Bootstrap& bootstrap, const StrictOptions& options,
                 config::Diagnostics* warnings) {
  Checker(bootstrap, options, warnings).Run();
}

}  // namespace weir::explain
