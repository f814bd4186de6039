#include <cstdlib>
#include <fstream>
#include <sstream>

#include <sys/stat.h>

#include "core/config/tables.h"

namespace weir::config {
namespace {

constexpr std::streamsize kMaxSourceBytes = 16 << 20;

Keys<RouteAction> MissingActionRows() {
  using A = RouteAction;
  return {
      MissingKey<A>("cluster_header", "choosing a cluster by a field"),
      MissingKey<A>("weighted_clusters", "weighted clusters"),
      MissingKey<A>("cluster_specifier_plugin", "cluster specifier plugins"),
      MissingKey<A>("inline_cluster_specifier_plugin", "cluster specifier plugins"),
      MissingKey<A>("cluster_not_found_response_code", "routes to unknown clusters",
                    "SERVICE_UNAVAILABLE"),
      MissingKey<A>("metadata_match", "subsets of a cluster"),
      MissingKey<A>("regex_rewrite", "rewriting paths by regular expression"),
      MissingKey<A>("path_rewrite_policy", "path templates"),
      MissingKey<A>("path_rewrite", "path templates"),
      MissingKey<A>("auto_host_rewrite", "the endpoint's name as host", "false"),
      MissingKey<A>("host_rewrite_header", "the host from a field"),
      MissingKey<A>("host_rewrite_path_regex", "the host from the path"),
      MissingKey<A>("append_x_forwarded_host", "x-forwarded-host", "false"),
      MissingKey<A>("flush_timeout", "a flush timeout of its own"),
      MissingKey<A>("retry_policy", "retry policies"),
      MissingKey<A>("retry_policy_typed_config", "retry policies"),
      MissingKey<A>("hedge_policy", "hedging"),
      MissingKey<A>("request_mirror_policies", "mirrored requests"),
      MissingKey<A>("priority", "priorities", "DEFAULT"),
      MissingKey<A>("rate_limits", "rate limits"),
      MissingKey<A>("include_vh_rate_limits", "rate limits", "false"),
      MissingKey<A>("hash_policy", "hash policies"),
      MissingKey<A>("cors", "CORS"),
      MissingKey<A>("max_grpc_timeout",
                    "this deprecated key (instead: max_stream_duration.grpc_timeout_header_max)"),
      MissingKey<A>(
          "grpc_timeout_offset",
          "this deprecated key (instead: max_stream_duration.grpc_timeout_header_offset)"),
      MissingKey<A>("internal_redirect_policy", "internal redirects"),
      MissingKey<A>("internal_redirect_action", "internal redirects",
                    "PASS_THROUGH_INTERNAL_REDIRECT"),
      MissingKey<A>("max_internal_redirects", "internal redirects"),
      MissingKey<A>("early_data_policy", "early data"),
  };
}

// Envoy's mapping, or only the duration.
Key<RouteAction> MaxStreamDurationRow() {
  using A = RouteAction;
  const Keys<A> rows = {
      OptionalDurationKey("max_stream_duration", &A::max_stream_duration,
                          "Instead of the connection manager's max_stream_duration. Default: that. "
                          "Short: `max_stream_duration: 30s`.")
          .Limit("http.*.downstream_rq_max_duration_reached"),
      OptionalDurationKey("grpc_timeout_header_max", &A::grpc_timeout_header_max,
                          "A gRPC request's own grpc-timeout takes the place of "
                          "max_stream_duration, up to this. Default: it is only passed on.")
          .Limit("http.*.downstream_rq_max_duration_reached"),
      OptionalDurationKey("grpc_timeout_header_offset", &A::grpc_timeout_header_offset,
                          "So much earlier than grpc-timeout says. With grpc_timeout_header_max "
                          "only.")
          .Limit("http.*.downstream_rq_max_duration_reached"),
  };
  Key<A> key = GroupKey("max_stream_duration", rows, "");
  key.read = [rows](Context& c, const Field& f, A* out) {
    if (f.node().is_scalar()) return rows.front().read(c, f, out);
    ReadMap(c, f, rows, out);
    if (out->grpc_timeout_header_offset && !out->grpc_timeout_header_max) {
      c.Add(f.key_mark, "grpc_timeout_header_offset without grpc_timeout_header_max does nothing",
            "both, or neither");
    }
  };
  return key;
}

struct ResponseCode {
  const char* name;
  std::uint32_t code;
};

constexpr ResponseCode kRedirectCodes[] = {{"MOVED_PERMANENTLY", 301},
                                           {"FOUND", 302},
                                           {"SEE_OTHER", 303},
                                           {"TEMPORARY_REDIRECT", 307},
                                           {"PERMANENT_REDIRECT", 308}};

void ReadResponseCode(Context& c, const Field& field, RedirectAction* out) {
  std::vector<std::string_view> names;
  for (const ResponseCode& known : kRedirectCodes) {
    names.push_back(known.name);
    if (field.node().is_scalar() && field.node().text() == std::to_string(known.code)) {
      out->response_code = known.code;
      return;
    }
  }
  const int index = ReadEnum(c, field, names, {});
  if (index >= 0) out->response_code = kRedirectCodes[index].code;
}

std::shared_ptr<const Node> PrintResponseCode(const RedirectAction& action) {
  for (const ResponseCode& known : kRedirectCodes) {
    if (known.code == action.response_code) return PrintText(known.name);
  }
  return nullptr;
}

struct DataSource {
  std::string text;
};

// Reads a regular file whole, within a bound: a device or a pipe could keep the loader for ever.
bool ReadSourceFile(const std::string& path, std::string* out, std::string* error) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
    *error = "there is no such file";
    return false;
  }
  if (info.st_size > kMaxSourceBytes) {
    *error = "it is larger than " + std::to_string(kMaxSourceBytes) + " bytes";
    return false;
  }
  std::ifstream file(path, std::ios::binary);
  out->resize(static_cast<std::size_t>(info.st_size));
  file.read(out->data(), info.st_size);
  out->resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad() || (!file.good() && !file.eof())) {
    *error = "it cannot be read";
    return false;
  }
  return true;
}

void ReadInline(Context& c, const Field& field, DataSource* out) {
  const auto text = field.node().AsString();
  if (!text) return c.AddExpected(field, "a text");
  out->text = std::string(*text);
}

void ReadFileSource(Context& c, const Field& field, DataSource* out) {
  std::string path;
  std::string error;
  const std::size_t before = c.diagnostics().count();
  ReadText(c, field, &path);
  if (c.diagnostics().count() != before) return;
  if (!ReadSourceFile(path, &out->text, &error)) {
    c.Add(field.node().mark(), std::string(field.key) + " is " + Quote(path) + ": " + error,
          "a file that can be read");
  }
}

const Keys<DataSource>& DataSourceKeys() {
  static const Keys<DataSource> keys = {
      CustomKey<DataSource>("inline_string", "string", ReadInline, nullptr, ""),
      CustomKey<DataSource>("filename", "path", ReadFileSource, nullptr, ""),
      MissingKey<DataSource>("inline_bytes", "base64 texts"),
      MissingKey<DataSource>("environment_variable", "this key; ${NAME} in a text does the same"),
      MissingKey<DataSource>("watched_directory", "watched files"),
  };
  return keys;
}

void ReadBody(Context& c, const Field& field, DirectResponseAction* out) {
  ReadDataSource(c, field, &out->body);
}

void ReadUpgrade(Context& c, const Field& field, UpgradeConfig* out) {
  out->mark = field.key_mark;
  if (field.node().is_scalar()) {
    ReadText(c, field, &out->upgrade_type);
  } else {
    ReadMap(c, field, UpgradeConfigKeys(), out);
  }
  static constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~/";
  for (char& ch : out->upgrade_type) {
    if (ch >= 'A' && ch <= 'Z') ch = static_cast<char>(ch - 'A' + 'a');
    const bool alnum = (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9');
    if (!alnum && kTokenMarks.find(ch) == std::string_view::npos) {
      c.Add(field.key_mark, "upgrade_type is " + Quote(out->upgrade_type),
            "a protocol's name such as websocket");
      return;
    }
  }
  if (out->upgrade_type == "h2c") {
    c.Add(field.key_mark, "an upgrade to h2c would hide its requests from every rule",
          "no such upgrade: HTTP/2 needs none");
  }
}

}  // namespace

const Keys<UpgradeConfig>& UpgradeConfigKeys() {
  using U = UpgradeConfig;
  static const Keys<U> keys = {
      TextKey("upgrade_type", &U::upgrade_type, "websocket, CONNECT or another protocol's name.")
          .Required(),
      BoolKey("enabled", &U::enabled,
              "On a route false forbids what the connection manager allows."),
      MissingKey<U>("connect_config", "ending CONNECT here; it goes on to the backend"),
      MissingKey<U>("filters", "filters of an upgrade"),
  };
  return keys;
}

const Keys<RouteAction>& RouteActionKeys() {
  using A = RouteAction;
  static const Keys<A> keys = [] {
    Keys<A> rows = {
        CustomKey<A>(
            "cluster", "cluster name",
            [](Context& c, const Field& f, A* a) {
              ReadText(c, f, &a->cluster);
              a->cluster_mark = f.node().mark();
            },
            [](const A& a) { return PrintText(a.cluster); }, "Where the requests go.")
            .Required(),
        CustomKey<A>(
            "prefix_rewrite", "path",
            [](Context& c, const Field& f, A* a) { ReadRewrite(c, f, "?#", &a->prefix_rewrite); },
            [](const A& a) {
              return a.prefix_rewrite.empty() ? nullptr : PrintText(a.prefix_rewrite);
            },
            "Replaces the matched prefix or path."),
        CustomKey<A>(
            "host_rewrite_literal", "host",
            [](Context& c, const Field& f, A* a) { ReadHost(c, f, &a->host_rewrite_literal); },
            [](const A& a) {
              return a.host_rewrite_literal.empty() ? nullptr : PrintText(a.host_rewrite_literal);
            },
            "Replaces the host."),
        DurationKey("timeout", &A::timeout,
                    "From the end of the request to the end of the response; 504.")
            .Limit("cluster.*.upstream_rq_timeout"),
        OptionalDurationKey("idle_timeout", &A::idle_timeout,
                            "Instead of stream_idle_timeout. Default: that.")
            .Limit("http.*.downstream_rq_idle_timeout"),
        MaxStreamDurationRow(),
        CustomKey<A>(
            "upgrade_configs", "list of upgrades",
            [](Context& c, const Field& f, A* a) { ReadUpgradeConfigs(c, f, &a->upgrade_configs); },
            [](const A& a) { return PrintUpgradeConfigs(a.upgrade_configs); },
            "Instead of the connection manager's, type by type."),
    };
    for (Key<A>& key : MissingActionRows()) rows.push_back(std::move(key));
    return rows;
  }();
  return keys;
}

const Keys<RedirectAction>& RedirectActionKeys() {
  using R = RedirectAction;
  static const Keys<R> keys = {
      CustomKey<R>(
          "https_redirect", "boolean",
          [](Context& c, const Field& f, R* r) { ReadBool(c, f, &r->https_redirect); },
          [](const R& r) {
            return r.scheme_redirect.empty() ? PrintBool(r.https_redirect) : nullptr;
          },
          "To https."),
      CustomKey<R>(
          "scheme_redirect", "http or https",
          [](Context& c, const Field& f, R* r) {
            if (ReadEnum(c, f, {"http", "https"}, {}) >= 0) r->scheme_redirect = f.node().text();
          },
          [](const R& r) {
            return r.scheme_redirect.empty() ? nullptr : PrintText(r.scheme_redirect);
          },
          "To this scheme; not beside https_redirect."),
      CustomKey<R>(
          "host_redirect", "host",
          [](Context& c, const Field& f, R* r) { ReadHost(c, f, &r->host_redirect); },
          [](const R& r) { return r.host_redirect.empty() ? nullptr : PrintText(r.host_redirect); },
          "To this host."),
      IntKey("port_redirect", &R::port_redirect, 0, 65535, "To this port; 0: as it came."),
      CustomKey<R>(
          "path_redirect", "path",
          [](Context& c, const Field& f, R* r) { ReadRewrite(c, f, "#", &r->path_redirect); },
          [](const R& r) { return r.path_redirect.empty() ? nullptr : PrintText(r.path_redirect); },
          "To this path; not beside prefix_rewrite."),
      CustomKey<R>(
          "prefix_rewrite", "path",
          [](Context& c, const Field& f, R* r) { ReadRewrite(c, f, "?#", &r->prefix_rewrite); },
          [](const R& r) {
            return r.prefix_rewrite.empty() ? nullptr : PrintText(r.prefix_rewrite);
          },
          "Replaces the matched prefix."),
      CustomKey<R>("response_code",
                   "MOVED_PERMANENTLY, FOUND, SEE_OTHER, TEMPORARY_REDIRECT or "
                   "PERMANENT_REDIRECT, or its number",
                   ReadResponseCode, PrintResponseCode, "The status."),
      BoolKey("strip_query", &R::strip_query, "Drop the query."),
      MissingKey<R>("regex_rewrite", "rewriting paths by regular expression"),
  };
  return keys;
}

const Keys<DirectResponseAction>& DirectResponseActionKeys() {
  using D = DirectResponseAction;
  static const Keys<D> keys = {
      IntKey("status", &D::status, 200, 599, "The status.").Required(),
      CustomKey<D>(
          "body", "data source", ReadBody,
          [](const D& d) -> std::shared_ptr<const Node> {
            if (d.body.empty()) return nullptr;
            return PrintMap({{"inline_string", PrintText(d.body)}});
          },
          "The body: a text, `{inline_string: ...}` or `{filename: ...}`."),
      MissingKey<D>("body_format", "formats of direct responses"),
  };
  return keys;
}

void ReadUpgradeConfigs(Context& c, const Field& field, std::vector<UpgradeConfig>* out) {
  if (!ExpectList(c, field)) return;
  std::vector<std::string> names;
  for (const Field& element : Elements(field, &names)) {
    UpgradeConfig upgrade;
    ReadUpgrade(c, element, &upgrade);
    for (const UpgradeConfig& other : *out) {
      if (other.upgrade_type == upgrade.upgrade_type) {
        c.Add(element.key_mark, "upgrade_type " + Quote(upgrade.upgrade_type) + " is given twice");
      }
    }
    out->push_back(std::move(upgrade));
  }
}

std::shared_ptr<const Node> PrintUpgradeConfigs(const std::vector<UpgradeConfig>& upgrades) {
  if (upgrades.empty()) return nullptr;
  auto list = Node::Sequence({});
  for (const UpgradeConfig& upgrade : upgrades) {
    list->Add("", {}, PrintKeys(UpgradeConfigKeys(), upgrade));
  }
  return list;
}

void ReadDataSource(Context& c, const Field& field, std::string* out) {
  DataSource source;
  if (field.node().is_scalar()) {
    ReadInline(c, field, &source);
  } else {
    CheckOneOf(c, field, {"inline_string", "filename", "inline_bytes", "environment_variable"},
               true);
    ReadMap(c, field, DataSourceKeys(), &source);
  }
  *out = std::move(source.text);
}

}  // namespace weir::config
