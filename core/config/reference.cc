#include "core/config/reference.h"

#include <map>

#include "core/config/tables.h"
#include "core/config/yaml.h"

namespace weir::config {
namespace {

// The default as one word of YAML; empty for lists, mappings and what has none.
template <class S>
std::string DefaultText(const Key<S>& key) {
  if (key.print == nullptr || key.text.required) return "";
  const auto node = key.print(S{});
  if (node == nullptr || !node->is_scalar()) return "";
  std::string text = PrintYaml(*node);
  text.pop_back();
  return text;
}

template <class S>
void AddRows(const Keys<S>& keys, const std::string& prefix, ReferenceTable* table) {
  for (const Key<S>& key : keys) {
    if (key.text.name == "@type") continue;
    if (!key.group.empty()) {
      AddRows(key.group, prefix + key.text.name + ".", table);
      continue;
    }
    ReferenceRow row;
    row.key = prefix + key.text.name;
    row.type = key.text.type;
    row.default_text = DefaultText(key);
    row.range = key.text.range;
    row.doc = key.text.doc;
    row.required = key.text.required;
    row.missing = key.text.missing;
    row.limit = key.text.limit;
    row.counter = key.text.counter;
    table->rows.push_back(std::move(row));
  }
}

template <class S>
ReferenceTable Table(const char* title, const char* place, const Keys<S>& keys) {
  ReferenceTable table;
  table.title = title;
  table.place = place;
  AddRows(keys, "", &table);
  return table;
}

std::string Cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    if (c == '<') {
      out += "&lt;";
    } else {
      out += c;
    }
  }
  return out;
}

std::string Code(const std::string& text) {
  return text.empty() ? "" : "`" + Cell(text) + "`";
}

void PrintTable(const ReferenceTable& table, std::string* out) {
  *out += "\n## " + table.title + "\n\n" + table.place + "\n\n";
  *out += "| key | type | default | range | meaning |\n|---|---|---|---|---|\n";
  std::map<std::string, std::string> missing;
  for (const ReferenceRow& row : table.rows) {
    if (!row.missing.empty()) {
      std::string& keys = missing[row.missing];
      keys += (keys.empty() ? "" : ", ") + Code(row.key);
      continue;
    }
    const std::string fallback = row.required ? "required" : Code(row.default_text);
    *out += "| " + Code(row.key) + " | " + Cell(row.type) + " | " + fallback + " | " +
            Cell(row.range) + " | " + Cell(row.doc) + " |\n";
  }
  if (missing.empty()) return;
  *out += "\nKnown, but an error unless they switch the feature off:\n\n";
  for (const auto& [feature, keys] : missing)
    out->append("- ").append(feature).append(": ").append(keys).append("\n");
}

void PrintLimits(const std::vector<ReferenceTable>& tables, std::string* out) {
  *out +=
      "\n## Limits and timeouts\n\nEvery limit and timeout of the tables below in one. Limits of "
      "listeners and clusters hold "
      "for all workers together; those\nof requests are shared out among the workers. In counters "
      "`*` stands for the "
      "stat_prefix, the listener or the cluster.\n\n"
      "| where | key | default | what happens | counter |\n|---|---|---|---|---|\n";
  for (const ReferenceTable& table : tables) {
    for (const ReferenceRow& row : table.rows) {
      if (!row.limit) continue;
      *out += "| " + table.title + " | " + Code(row.key) + " | " + Code(row.default_text) + " | " +
              Cell(row.doc) + " | " + Code(row.counter) + " |\n";
    }
  }
}

constexpr const char* kIntroduction =
    R"(# Configuration

This page is made from the tables that read the file (`core/config/*_keys.cc`); a test compares the two.

A file is one YAML document. Its names, nesting, units and meanings are those of Envoy's v3 configuration wherever Weir
has the feature, so that a static file of Envoy's that uses only such features loads as it is: `static_resources`,
`typed_config` with `@type`, `socket_address`, `load_assignment`, `envoy.` names of filters. Shorthands make the common
file short; `weir config --expand FILE` prints what they stand for, with every default.

- **Mistakes** are reported all at once, each with file, line, column, what was expected and the nearest known name. A key
  that Weir does not know is a mistake; so is one that asks for a feature that Weir does not have. `weir validate FILE`
  checks a file without starting anything.
- **Durations** are numbers with a unit: `1.5s`, `1500ms`, `5m`, `1h`; whole milliseconds, at most a year. `0s` means none
  where the table says so.
- **Bytes** are numbers, or numbers with `KiB`, `MiB`, `GiB` (1024) or `kB`, `MB`, `GB` (1000).
- **Addresses** are `127.0.0.1:8080`, `[::1]:8080`, `:8080` (all IPv4 interfaces), `unix:/path`, or Envoy's
  `socket_address: {address, port_value}` and `pipe: {path, mode}`. In endpoints a host name may stand: it is resolved once,
  at start, or again and again where the cluster's `type` says so ([dns.md](dns.md)).
- **Environment**: `${NAME}` and `${NAME:-default}` in any value (not in keys) are replaced after the file is parsed, so
  that they can add no structure; a variable that is not set and has no default is a mistake; `$${` is a literal `${`. Inside
  `{...}` and `[...]` put such a value in quotes.
- **Filters** may be written as their name alone where they need no keys: `http_filters: [health_check, mux]`. The keys of
  a filter's `typed_config` are the filter's own; a key that it does not read is a mistake. `router` is another name of `mux`.
- **Bounds**: a file has at most 16 MiB, a million values, 64 levels and ten thousand values repeated by aliases.
)";

}  // namespace

std::vector<ReferenceTable> ReferenceTables() {
  return {
      Table("The file", "The outermost keys.", BootstrapKeys()),
      Table("Admin", "`admin`", AdminKeys()),
      Table("Limits", "`limits`", LimitsKeys()),
      Table("Listener", "An element of `listeners`.", ListenerKeys()),
      Table("HTTP connection manager",
            "`http` of a listener, or `typed_config` of the network filter "
            "`http_connection_manager`.",
            HttpConnectionManagerKeys()),
      Table("Local reply configuration", "`local_reply_config` of a connection manager.",
            LocalReplyConfigKeys()),
      Table("Local reply mapper", "An element of `mappers`.", LocalReplyMapperKeys()),
      Table("Body format",
            "`body_format` and `body_format_override`; a text alone stands for its `text_format`.",
            BodyFormatKeys()),
      Table("Upgrade",
            "An element of `upgrade_configs`; a text alone stands for its `upgrade_type`.",
            UpgradeConfigKeys()),
      Table("TCP proxy",
            "`tcp` of a listener, or `typed_config` of the network filter `tcp_proxy`.",
            TcpProxyKeys()),
      Table("Route configuration", "`route_config` of a connection manager.",
            RouteConfigurationKeys()),
      Table("Virtual host", "An element of `virtual_hosts`.", VirtualHostKeys()),
      Table("Route", "An element of `routes`.", RouteKeys()),
      Table("Route match", "`match` of a route; exactly one of the first five.", RouteMatchKeys()),
      Table("Route action", "`route` of a route.", RouteActionKeys()),
      Table("Redirect action", "`redirect` of a route.", RedirectActionKeys()),
      Table("Direct response", "`direct_response` of a route.", DirectResponseActionKeys()),
      Table("Cluster", "An element of `clusters`.", ClusterKeys()),
      Table("Circuit breakers",
            "`circuit_breakers` of a cluster, or an element of its `thresholds`.",
            CircuitBreakersKeys()),
      Table(
          "TLS on a listener",
          "`typed_config` of `transport_socket` of a filter chain; in short `tls` of the listener, "
          "where the keys of `common_tls_context` and its parts stand beside the others, "
          "`certificates: [{cert, key}]` are `tls_certificates` and `ca` is `trusted_ca`. A text "
          "stands for `{filename: ...}`, or is the PEM text itself.",
          DownstreamTlsKeys()),
      Table(
          "TLS to a cluster",
          "`typed_config` of `transport_socket` of a cluster; in short `tls` of the cluster, which "
          "may be `{}`: `cert` and `key` are the client certificate, `ca` is `trusted_ca`, "
          "`verify: "
          "false` is ACCEPT_UNTRUSTED, `subject_alt_names` lists names.",
          UpstreamTlsKeys()),
      Table("Endpoint", "An element of `endpoints`; a text alone stands for its `address`.",
            EndpointKeys()),
  };
}

std::string ReferencePage() {
  std::string out = kIntroduction;
  const std::vector<ReferenceTable> tables = ReferenceTables();
  PrintLimits(tables, &out);
  for (const ReferenceTable& table : tables) PrintTable(table, &out);
  return out;
}

}  // namespace weir::config
