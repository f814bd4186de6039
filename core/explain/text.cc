#include "core/explain/text.h"

#include <algorithm>
#include <string_view>

#include "core/config/yaml.h"
#include "core/explain/walk_routes.h"
#include "core/explain/words.h"

namespace weir::explain {
namespace {

constexpr size_t kLabel = 14;
constexpr size_t kPlaceAt = 64;  // the column of file:line
constexpr size_t kMostOthers = 12;

class Printer {
 public:
  Printer(const Explanation& e, const TextOptions& options) : e_(e), options_(options) {}

  std::string Print() {
    Title();
    Listeners();
    if (e_.listener != nullptr) FilterChain();
    if (e_.http != nullptr && !e_.authority.empty()) Request();
    if (!e_.virtual_hosts.empty()) VirtualHosts();
    if (!e_.routes.empty()) Routes();
    if (!e_.filters.empty()) Filters();
    if (e_.route != nullptr) Action();
    if (e_.cluster != nullptr) Cluster();
    for (const std::string& note : e_.notes) Row("note", note);
    out_ += "\n" + Paint(e_.matched() ? "32" : "31", "The request ") + AnswerText(e_) + ".\n";
    return std::move(out_);
  }

 private:
  std::string Paint(const char* code, const std::string& text) const {
    return options_.color ? "\x1b[" + std::string(code) + "m" + text + "\x1b[0m" : text;
  }

  // A line "label  text      file:line"; the label once for what belongs together.
  void Row(const std::string& label, const std::string& text, config::Mark mark = {}) {
    std::string line = text;
    if (mark.line != 0) {
      const size_t width = kLabel + line.size();
      line.append(width + 2 > kPlaceAt ? 2 : kPlaceAt - width, ' ');
      line += Paint("2", e_.file + ":" + std::to_string(mark.line));
    }
    out_ += Paint("1", label) + std::string(kLabel - std::min(kLabel - 1, label.size()), ' ') +
            line + "\n";
  }
  // One that was not chosen, and why.
  void Other(const std::string& text, const std::string& why, config::Mark mark) {
    Row("", Paint("2", "- " + text + ": " + why), mark);
  }
  void Hidden(size_t count, const char* what) {
    if (count > 0)
      Row("", Paint("2", "- " + std::to_string(count) + " more " + what + " (--all shows them)"));
  }

  void Title() { out_ += Paint("1", e_.request.method + " " + e_.request.url) + "\n\n"; }

  void Listeners() {
    for (const ListenerStep& step : e_.listeners) {
      if (step.chosen)
        Row("listener", step.listener->name + "  " + step.listener->address.ToString(),
            step.listener->mark);
    }
    if (e_.listener == nullptr) Row("listener", Paint("31", "none"));
    for (const ListenerStep& step : e_.listeners) {
      if (!step.chosen)
        Other(step.listener->name + "  " + step.listener->address.ToString(), step.why,
              step.listener->mark);
    }
  }

  void FilterChain() {
    const config::FilterChain& chain = *e_.chain.chain;
    Row("filter chain", (chain.name.empty() ? "" : chain.name + "  ") + TransportText(chain));
    for (const CertificateStep& step : e_.chain.certificates) Certificate(step);
    for (const config::ListenerFilter& filter : e_.listener->listener_filters)
      Row("", "listener filter " + filter.name, filter.mark);
    for (const config::NetworkFilter& filter : chain.filters) {
      Row("",
          "network filter " + filter.name +
              (filter.name == filter.type ? "" : " (" + filter.type + ")"),
          filter.mark);
    }
  }

  std::string TransportText(const config::FilterChain& chain) const {
    std::string text = "clear text";
    if (chain.tls != nullptr) {
      text = std::string(TlsVersionWord(chain.tls->tls_minimum_protocol_version)) + " to " +
             (TlsVersionWord(chain.tls->tls_maximum_protocol_version) + 4);
      if (!e_.chain.alpn.empty()) text += ", ALPN " + Joined(e_.chain.alpn);
      if (chain.tls->require_client_certificate) text += ", the client shows a certificate";
    }
    if (!e_.chain.codecs.empty()) text += ", codecs " + Joined(e_.chain.codecs);
    return text;
  }

  void Certificate(const CertificateStep& step) {
    if (!step.facts.ok) return Row("", "certificate " + step.file + " " + step.facts.error);
    const int64_t days = DaysUntil(step.facts.not_after, options_.now);
    const std::string left =
        days < 0 ? Paint("31", "expired") : std::to_string(days) + " days left";
    Row("", "certificate " + step.file + " for " + Joined(step.facts.names) + ", " + left +
                (step.names_host || e_.request.host.empty() ? "" : "; not for " + e_.request.host));
  }

  static std::string Joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
  }

  void Request() {
    const bool same = e_.path == e_.request.target && e_.authority == e_.request.authority;
    Row("request",
        e_.authority + (e_.path.empty() ? "" : "  " + e_.path) + (same ? "" : "  (as normalised)"));
  }

  void VirtualHosts() {
    const VirtualHostStep* chosen = nullptr;
    for (const VirtualHostStep& step : e_.virtual_hosts) {
      if (step.chosen) chosen = &step;
    }
    if (chosen == nullptr)
      Row("virtual host", Paint("31", "none"));
    else
      Row("virtual host", chosen->host->name + "  by domain " + chosen->domain, chosen->host->mark);
    size_t shown = 0;
    size_t hidden = 0;
    for (const VirtualHostStep& step : e_.virtual_hosts) {
      if (step.chosen) continue;
      // Those that match too say more than those of other hosts.
      if (!options_.all && step.domain.empty() && ++shown > kMostOthers) {
        ++hidden;
        continue;
      }
      Other(step.host->name + "  " + DomainsOf(step), step.why, step.host->mark);
    }
    Hidden(hidden, "virtual hosts of other domains");
  }

  static std::string DomainsOf(const VirtualHostStep& step) {
    std::string text;
    for (size_t i = 0; i < step.domains.size() && i < 3; ++i)
      text += (i == 0 ? "" : ", ") + step.domains[i].domain;
    if (step.domains.size() > 3)
      text += ", and " + std::to_string(step.domains.size() - 3) + " more";
    return text;
  }

  static std::string RouteText(const RouteStep& step) {
    const config::Route& route = step.route->config();
    return std::to_string(step.number) + (route.name.empty() ? "" : " " + route.name) + "  " +
           MatchText(route.match);
  }

  void Routes() {
    for (const RouteStep& step : e_.routes) {
      if (step.chosen)
        Row("route", RouteText(step) + "  ->  " + ActionWord(*step.route),
            step.route->config().mark);
    }
    if (e_.route == nullptr) Row("route", Paint("31", "none"));
    size_t shown = 0;
    size_t unasked = 0;
    size_t hidden = 0;
    for (const RouteStep& step : e_.routes) {
      if (step.chosen) continue;
      if (!options_.all && !step.asked) {
        ++unasked;
      } else if (!options_.all && ++shown > 2 * kMostOthers) {
        ++hidden;
      } else {
        Other(RouteText(step), step.why, step.route->config().mark);
      }
    }
    Hidden(hidden, "routes before it that do not match");
    Hidden(unasked, unasked == 1 ? "route after it, not asked" : "routes after it, not asked");
  }

  void Filters() {
    size_t number = 0;
    for (const HttpFilterStep& step : e_.filters) {
      const config::HttpFilter& filter = *step.filter;
      std::string text = std::to_string(++number) + " " + filter.name;
      if (filter.type != filter.name) text += " (" + filter.type + ")";
      if (!step.runs) text += "  " + Paint("33", "off");
      if (!step.why.empty()) text += std::string(step.runs ? "  " : ": ") + step.why;
      Row(number == 1 ? "http filters" : "", text, filter.mark);
      if (step.own == nullptr) continue;
      Row("", "    configured by the " + step.own_from, step.own->mark);
      if (step.own->typed_config != nullptr) Indented(config::PrintYaml(*step.own->typed_config));
    }
  }

  void Indented(std::string_view text) {
    while (!text.empty()) {
      const size_t end = text.find('\n');
      Row("", "      " + Paint("2", std::string(text.substr(0, end))));
      text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
  }

  void Action() {
    if (e_.answer.kind == Answer::Kind::kForward) {
      if (e_.upstream_path != e_.path)
        Row("rewrite", "path " + e_.path + "  ->  " + e_.upstream_path);
      if (e_.upstream_authority != e_.authority)
        Row(e_.upstream_path == e_.path ? "rewrite" : "",
            "host " + e_.authority + "  ->  " + e_.upstream_authority);
    }
    std::string line;
    bool first = true;
    for (const Setting& setting : e_.settings) {
      const std::string text = setting.name + " " + setting.value;
      if (!line.empty() && line.size() + text.size() > 76) {
        Row(first ? "limits" : "", line);
        line.clear();
        first = false;
      }
      line += (line.empty() ? "" : ", ") + text;
    }
    if (!line.empty()) Row(first ? "limits" : "", line);
  }

  void Cluster() {
    const config::Cluster& cluster = *e_.cluster;
    std::string text = cluster.name + "  " + cluster.protocol + ", " +
                       LbPolicyWord(cluster.lb_policy) + (cluster.tls == nullptr ? "" : ", TLS");
    if (cluster.tls != nullptr && !cluster.tls->sni.empty()) text += " for " + cluster.tls->sni;
    if (cluster.tls != nullptr && !cluster.tls->verify) text += " (not verified)";
    if (cluster.proxy_protocol != config::ProxyProtocol::kNone)
      text += std::string(", PROXY protocol ") + ProxyProtocolWord(cluster.proxy_protocol);
    Row("cluster", text, cluster.mark);
    if (cluster.endpoints.empty()) Row("endpoints", Paint("33", "none is known from the file"));
    uint64_t weights = 0;
    for (const config::Endpoint& endpoint : cluster.endpoints) weights += endpoint.weight;
    bool first = true;
    for (const config::Endpoint& endpoint : cluster.endpoints) {
      std::string line = EndpointText(endpoint);
      if (!endpoint.hostname.empty() && line.find(endpoint.hostname) == line.npos)
        line += "  (" + endpoint.hostname + ")";
      if (endpoint.lookup != config::Endpoint::Lookup::kNone)
        line += "  (looked up while Weir runs)";
      if (cluster.endpoints.size() > 1)
        line += "  weight " + std::to_string(endpoint.weight) + " of " + std::to_string(weights);
      Row(first ? "endpoints" : "", line, endpoint.mark);
      first = false;
    }
  }

  const Explanation& e_;
  const TextOptions& options_;
  std::string out_;
};

}  // namespace

std::string PrintText(const Explanation& explanation, const TextOptions& options) {
  return Printer(explanation, options).Print();
}

}  // namespace weir::explain
