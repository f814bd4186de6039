#include "core/config/tables.h"

namespace weir::config {
namespace {

using Kind = RouteMatch::Kind;

void CheckPath(Context& c, const Field& field, const RouteMatch& match) {
  const std::string& value = match.value;
  const bool rooted = !value.empty() && value[0] == '/';
  switch (match.kind) {
    case Kind::kPath:
      if (!rooted && value != "*") c.AddExpected(field, "a path that begins with /");
      break;
    case Kind::kPrefix:
      if (!rooted && !value.empty()) c.AddExpected(field, "a prefix that begins with /");
      break;
    case Kind::kPathSeparatedPrefix:
      if (!rooted || value.back() == '/') {
        c.AddExpected(field, "a prefix that begins with / and does not end with it");
      }
      break;
    case Kind::kSafeRegex:
      if (const std::string error = CheckRegex(value); !error.empty()) {
        c.Add(field.node().mark(), std::string(field.key) + " is " + Quote(value) + ": " + error,
              "a regular expression (RE2)");
      }
      return;
    case Kind::kConnect:
      return;
  }
  if (value.find_first_of("?#") != std::string::npos) {
    c.AddExpected(field, "a path alone: the query takes no part in matching");
  }
}

template <Kind kind>
void ReadPath(Context& c, const Field& field, RouteMatch* out) {
  const std::size_t before = c.diagnostics().count();
  out->kind = kind;
  ReadText(c, field, &out->value);
  if (c.diagnostics().count() == before) CheckPath(c, field, *out);
}

template <Kind kind>
std::shared_ptr<const Node> PrintPath(const RouteMatch& match) {
  return match.kind == kind ? PrintText(match.value) : nullptr;
}

void ReadRegex(Context& c, const Field& field, RouteMatch* out) {
  if (field.node().is_scalar()) return ReadPath<Kind::kSafeRegex>(c, field, out);
  static const Keys<RouteMatch> keys = {
      CustomKey<RouteMatch>("regex", "regular expression", ReadPath<Kind::kSafeRegex>, nullptr, "")
          .Required(),
      // Envoy's former choice of engine; it has been the only one for long.
      DescriptiveKey<RouteMatch>("google_re2", ""),
  };
  ReadMap(c, field, keys, out);
}

Keys<RouteMatch> MissingMatchRows() {
  using M = RouteMatch;
  return {
      MissingKey<M>("path_match_policy", "path templates"),
      MissingKey<M>("headers", "matching by fields"),
      MissingKey<M>("query_parameters", "matching by query parameters"),
      MissingKey<M>("cookies", "matching by cookies"),
      MissingKey<M>("grpc", "matching gRPC only"),
      MissingKey<M>("tls_context", "matching by TLS"),
      MissingKey<M>("dynamic_metadata", "matching by metadata"),
      MissingKey<M>("filter_state", "matching by filter state"),
      MissingKey<M>("runtime_fraction", "matching a share of requests"),
  };
}

}  // namespace

const Keys<RouteMatch>& RouteMatchKeys() {
  using M = RouteMatch;
  static const Keys<M> keys = [] {
    Keys<M> rows = {
        CustomKey<M>("path", "path", ReadPath<Kind::kPath>, PrintPath<Kind::kPath>,
                     "The whole path is this."),
        CustomKey<M>("prefix", "path", ReadPath<Kind::kPrefix>, PrintPath<Kind::kPrefix>,
                     "The path begins with this."),
        CustomKey<M>("path_separated_prefix", "path", ReadPath<Kind::kPathSeparatedPrefix>,
                     PrintPath<Kind::kPathSeparatedPrefix>,
                     "The path is this, or begins with it and goes on with /."),
        CustomKey<M>(
            "safe_regex", "regular expression", ReadRegex,
            [](const M& m) -> std::shared_ptr<const Node> {
              if (m.kind != Kind::kSafeRegex) return nullptr;
              return PrintMap({{"regex", PrintText(m.value)}});
            },
            "The whole path matches this pattern (RE2): `{regex: ...}` or the pattern."),
        CustomKey<M>(
            "connect_matcher", "empty mapping",
            [](Context& c, const Field& f, M* m) {
              m->kind = Kind::kConnect;
              if (!f.node().is_map() || f.node().size() != 0) c.AddExpected(f, "{}");
            },
            [](const M& m) -> std::shared_ptr<const Node> {
              return m.kind == Kind::kConnect ? Node::Map({}) : nullptr;
            },
            "Any CONNECT request."),
        BoolKey("case_sensitive", &M::case_sensitive, "Not for safe_regex."),
    };
    for (Key<M>& key : MissingMatchRows()) rows.push_back(std::move(key));
    return rows;
  }();
  return keys;
}

}  // namespace weir::config
