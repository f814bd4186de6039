#include "core/http/route/route_table_builder.h"

#include <algorithm>
#include <utility>

#include "core/http/authority.h"
#include "core/http/path.h"

namespace weir::http {
namespace {

std::string Quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

std::string Explain(DomainError error, const std::string& domain, const std::string& other) {
  switch (error) {
    case DomainError::kEmpty:
      return "an empty domain; \"*\" takes every host";
    case DomainError::kTooLong:
      return "domain " + Quoted(domain) + " is longer than any host";
    case DomainError::kBadByte:
      return "domain " + Quoted(domain) + " has a character that no host has";
    case DomainError::kBadWildcard:
      return "domain " + Quoted(domain) + ": one '*' may stand at its start or at its end";
    case DomainError::kDuplicate:
      return "domain " + Quoted(domain) + " is already in virtual host " + Quoted(other);
    case DomainError::kNone:
      break;
  }
  return "";
}

// What may be sent on the wire inside a start line or a field without looking at it again.
bool IsVisible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

RouteTableBuilder::RouteTableBuilder(
    std::shared_ptr<const config::RouteConfiguration> configuration, const RouteTableHooks& hooks,
    std::vector<RouteError>* errors)
    : table_(new RouteTable), hooks_(hooks), errors_(errors), errors_before_(errors->size()) {
  table_->configuration_ = std::move(configuration);
}

std::unique_ptr<const RouteTable> RouteTableBuilder::Build() {
  const config::RouteConfiguration& configuration = *table_->configuration_;
  const FilterOverride* overrides = Override(configuration.typed_per_filter_config, nullptr);
  for (const config::VirtualHost& host : configuration.virtual_hosts) {
    AddVirtualHost(host, overrides);
  }
  if (errors_->size() != errors_before_) return nullptr;
  return std::move(table_);
}

void RouteTableBuilder::AddVirtualHost(const config::VirtualHost& host,
                                       const FilterOverride* inherited) {
  const auto number = static_cast<uint32_t>(table_->hosts_.size());
  AddDomains(host, number);
  const FilterOverride* overrides = Override(host.typed_per_filter_config, inherited);
  const auto begin = static_cast<uint32_t>(table_->routes_.size());
  for (const config::Route& route : host.routes) AddRoute(host, route, overrides);
  table_->hosts_.push_back({begin, static_cast<uint32_t>(table_->routes_.size())});
}

void RouteTableBuilder::AddDomains(const config::VirtualHost& host, uint32_t number) {
  if (host.domains.empty()) {
    Fail(host.mark, "virtual host " + Quoted(host.name) + " has no domains");
  }
  for (const std::string& domain : host.domains) {
    uint32_t other = DomainIndex::kNone;
    const DomainError error = table_->domains_.Add(domain, number, &other);
    if (error == DomainError::kNone) continue;
    const auto& hosts = table_->configuration_->virtual_hosts;
    Fail(host.mark, Explain(error, domain, other < hosts.size() ? hosts[other].name : ""));
  }
}

void RouteTableBuilder::AddRoute(const config::VirtualHost& host, const config::Route& route,
                                 const FilterOverride* inherited) {
  Route compiled;
  compiled.config_ = &route;
  compiled.virtual_host_ = &host;
  compiled.filters_ = Override(route.typed_per_filter_config, inherited);
  compiled.max_request_bytes_ =
      route.max_request_bytes.value_or(host.max_request_bytes.value_or(Route::kNoLimit));
  CheckMatch(route, &compiled);
  if (const auto* action = compiled.forward()) {
    CheckForward(route, *action);
    if (hooks_.find_cluster) compiled.cluster_ = hooks_.find_cluster(*action);
  } else if (const auto* redirect = compiled.redirect()) {
    CheckRedirect(route, *redirect);
  }
  table_->routes_.push_back(std::move(compiled));
}

void RouteTableBuilder::CheckMatch(const config::Route& route, Route* compiled) {
  using Kind = config::RouteMatch::Kind;
  const config::RouteMatch& match = route.match;
  if (match.kind == Kind::kSafeRegex) {
    std::string error;
    compiled->regex_ = PathRegex::Compile(match.value, &error);
    if (compiled->regex_ == nullptr) {
      Fail(route.mark, "regular expression " + Quoted(match.value) + ": " + error);
    }
  }
  if (match.kind == Kind::kPathSeparatedPrefix &&
      (match.value.empty() || match.value.back() == '/')) {
    Fail(route.mark, "path_separated_prefix " + Quoted(match.value) + " must not end with '/'");
  }
}

void RouteTableBuilder::CheckForward(const config::Route& route,
                                     const config::RouteAction& action) {
  CheckPrefixRewrite(route, action.prefix_rewrite);
  if (action.host_rewrite_literal.empty()) return;
  Authority authority;
  const AuthorityError error = ParseAuthority(action.host_rewrite_literal, &authority);
  if (error != AuthorityError::kNone) {
    Fail(route.mark, "host_rewrite_literal " + Quoted(action.host_rewrite_literal) + ": " +
                         std::string(AuthorityErrorText(error)));
  }
}

void RouteTableBuilder::CheckRedirect(const config::Route& route,
                                      const config::RedirectAction& action) {
  CheckPrefixRewrite(route, action.prefix_rewrite);
  if (!action.host_redirect.empty()) {
    Authority authority;
    const AuthorityError error = ParseAuthority(action.host_redirect, &authority);
    if (error != AuthorityError::kNone) {
      Fail(route.mark, "host_redirect " + Quoted(action.host_redirect) + ": " +
                           std::string(AuthorityErrorText(error)));
    }
  }
  if (action.port_redirect > 0xffff) {
    Fail(route.mark, "port_redirect " + std::to_string(action.port_redirect) + " is no port");
  }
  const std::string_view path = action.path_redirect;
  if (!path.empty() && (path[0] != '/' || !IsVisible(path))) {
    Fail(route.mark, "path_redirect " + Quoted(path) + " is no path");
  }
}

void RouteTableBuilder::CheckPrefixRewrite(const config::Route& route, std::string_view rewrite) {
  if (rewrite.empty()) return;
  using Kind = config::RouteMatch::Kind;
  if (route.match.kind == Kind::kSafeRegex || route.match.kind == Kind::kConnect) {
    Fail(route.mark, "prefix_rewrite needs a path or a prefix to replace");
  }
  PathOptions options;
  options.merge_slashes = false;
  options.escaped_slashes = EscapedSlashes::kKeep;
  std::string out(rewrite.size(), '\0');
  // A rewritten path is not normalised again, so what is put into it must be normal.
  const PathResult result = NormalizePath(rewrite, options, out.data());
  if (result.verdict != PathVerdict::kUnchanged || rewrite.find('?') != rewrite.npos) {
    Fail(route.mark, "prefix_rewrite " + Quoted(rewrite) + " is no normalised path");
  }
}

const FilterOverride* RouteTableBuilder::Override(
    const std::vector<config::PerFilterConfig>& configs, const FilterOverride* inherited) {
  if (configs.empty() || hooks_.filters.empty()) {
    for (const config::PerFilterConfig& config : configs) Apply(config, nullptr);
    return inherited;
  }
  auto all = std::make_unique<FilterOverride[]>(hooks_.filters.size());
  if (inherited != nullptr) std::copy_n(inherited, hooks_.filters.size(), all.get());
  for (const config::PerFilterConfig& config : configs) Apply(config, all.get());
  table_->overrides_.push_back(std::move(all));
  return table_->overrides_.back().get();
}

void RouteTableBuilder::Apply(const config::PerFilterConfig& config, FilterOverride* all) {
  const auto name = std::find(hooks_.filters.begin(), hooks_.filters.end(), config.filter);
  if (name == hooks_.filters.end()) {
    Fail(config.mark, "no HTTP filter " + Quoted(config.filter) + " in the chain");
    return;
  }
  const auto index = static_cast<size_t>(name - hooks_.filters.begin());
  if (config.disabled) {
    all[index] = {FilterOverride::State::kDisabled, nullptr};
    return;
  }
  all[index] = {FilterOverride::State::kEnabled, nullptr};
  if (!hooks_.compile_filter) return;
  std::string error;
  all[index].config = hooks_.compile_filter(index, config, &error);
  if (!error.empty()) Fail(config.mark, std::move(error));
}

void RouteTableBuilder::Fail(config::Mark mark, std::string message) {
  errors_->push_back({mark, std::move(message)});
}

}  // namespace weir::http
