#include "core/server/main_explain.h"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include "core/base/arena.h"
#include "core/config/diagnostics.h"
#include "core/explain/choose_listener.h"
#include "core/explain/json.h"
#include "core/explain/request_line.h"
#include "core/explain/settings.h"
#include "core/explain/text.h"
#include "core/explain/walk_routes.h"
#include "core/http/message.h"
#include "core/http/route/rewrite.h"
#include "filters/network/http_connection_manager/hcm_builder.h"
#include "filters/network/http_connection_manager/request_rules.h"

namespace weir::server {
namespace {

using explain::Answer;
using explain::Explanation;
using http::Message;

// More than a command line is long.
constexpr size_t kMemory = 4 << 20;

// One request in the hands of a connection manager that has no connection.
class Asked {
 public:
  Asked(const ServerContext& context, std::shared_ptr<const hcm::HcmConfig> config,
        Explanation* out)
      : context_(context), out_(out) {
    worker_.random = &random_;
    hcm_.worker = &worker_;
    hcm_.stats = observe::BindHttpStats(context.stats, context.stats->main_block(),
                                        config->settings->stat_prefix);
    hcm_.config = std::move(config);
  }

  void Run() {
    if (!TakeHead() || !ApplyRules()) return;
    out_->authority = message_.authority();
    out_->path = message_.path();
    http::RequestView view;
    view.authority = message_.authority();
    view.path = message_.path();
    view.method = message_.method();
    view.connect = message_.method() == "CONNECT" && message_.path().empty();
    explain::WalkRoutes(*hcm_.config->routes, view, out_);
    Filters();
    if (out_->route == nullptr) return Say(Answer::Kind::kNotFound, 404, "route_not_found");
    out_->settings = explain::SettingsOf(hcm_.settings(), *out_->route);
    if (AllowedByRoute()) Act(*out_->route);
  }

 private:
  void Say(Answer::Kind kind, uint32_t status, std::string_view details,
           std::string_view location = {}) {
    out_->answer = {kind, status, std::string(details), std::string(location)};
  }

  bool TakeHead() {
    const explain::Request& r = out_->request;
    fields_.reserve(r.fields.size());
    for (const auto& [name, value] : r.fields) {
      weir_field field{};
      field.name = name.data();
      field.name_size = static_cast<uint16_t>(name.size());
      field.value = value.data();
      field.value_size = static_cast<uint32_t>(value.size());
      field.token = WEIR_TOKEN_UNSET;
      fields_.push_back(field);
    }
    weir_head head{};
    head.struct_size = sizeof head;
    head.kind = WEIR_HEAD_REQUEST;
    head.http_version = 11;
    if (r.tunnel) head.flags |= WEIR_HEAD_TUNNEL;
    if (r.has_length) head.flags |= WEIR_HEAD_HAS_LENGTH;
    head.content_length = r.content_length;
    head.method = http::View(std::string_view(r.method));
    head.authority = http::View(std::string_view(r.authority));
    head.path = http::View(std::string_view(r.target));
    head.protocol = http::View(std::string_view(r.protocol));
    head.fields = fields_.data();
    head.field_count = static_cast<uint32_t>(fields_.size());
    const auto verdict = message_.Take(head, hcm_.settings().max_headers_count);
    if (verdict == Message::Verdict::kOk && message_.Own()) return true;
    const bool invalid = verdict == Message::Verdict::kInvalid;
    Say(Answer::Kind::kRefused, invalid ? 400 : 431,
        invalid ? "http1.invalid_characters" : "http1.too_many_headers");
    return false;
  }

  bool ApplyRules() {
    const net::Address peer = *net::Address::Parse("127.0.0.1:1");
    const hcm::RuleVerdict verdict =
        hcm::ApplyRequestRules(hcm_, {&peer, hcm_.config->secure}, &message_);
    if (verdict.status == 0) return true;
    Say(verdict.location.empty() ? Answer::Kind::kRefused : Answer::Kind::kPathRedirect,
        verdict.status, verdict.details, verdict.location);
    return false;
  }

  // In the order of a stream: the tunnel, then the announced length.
  bool AllowedByRoute() {
    const explain::Request& r = out_->request;
    const std::string_view wanted = r.protocol.empty() ? "connect" : std::string_view(r.protocol);
    if (r.tunnel && !hcm::AllowsTunnel(hcm_.settings(), *out_->route, wanted)) {
      Say(Answer::Kind::kRefused, 403, "upgrade_failed");
      return false;
    }
    if (!r.has_length || r.content_length <= out_->route->max_request_bytes()) return true;
    Say(Answer::Kind::kRefused, 413, "request_payload_too_large");
    return false;
  }

  void Act(const http::Route& route) {
    if (const auto* direct = route.direct_response())
      return Say(Answer::Kind::kDirectResponse, direct->status, "direct_response");
    if (const auto* redirect = route.redirect()) return Redirect(route, *redirect);
    Forward(route, *route.forward());
  }

  void Redirect(const http::Route& route, const config::RedirectAction& action) {
    const http::RedirectedRequest from{hcm_.config->secure ? "https" : "http", out_->authority,
                                       out_->path};
    std::string room(http::LocationBound(route, from), '\0');
    http::ByteSink sink(room.data(), room.size());
    const http::Rewrite location = http::RedirectLocation(route, from, &sink);
    if (location.status != http::RewriteStatus::kRewritten)
      return Say(Answer::Kind::kRefused, 400, "redirect_failed");
    Say(Answer::Kind::kRedirect, action.response_code, "direct_response", location.text);
  }

  void Forward(const http::Route& route, const config::RouteAction& action) {
    out_->cluster = &context_.bootstrap->clusters[action.cluster_index];
    std::string room(http::RewritePathBound(route, out_->path), '\0');
    http::ByteSink sink(room.data(), room.size());
    const http::Rewrite path =
        out_->path.empty() ? http::Rewrite{} : http::RewritePath(route, out_->path, &sink);
    if (path.status != http::RewriteStatus::kUnchanged &&
        path.status != http::RewriteStatus::kRewritten)
      return Say(Answer::Kind::kRefused, 400, "path_rewrite_failed");
    out_->upstream_path = path.text;
    out_->upstream_authority = http::RewriteAuthority(route, out_->authority);
    Say(Answer::Kind::kForward, 0, "via_upstream");
  }

  void Filters() {
    const auto& filters = hcm_.settings().http_filters;
    for (size_t i = 0; i < filters.size(); ++i) {
      explain::HttpFilterStep step;
      step.filter = &filters[i];
      const bool terminal = i >= hcm_.config->filters.size();
      step.runs = !filters[i].disabled;
      if (filters[i].disabled) step.why = "disabled in the chain";
      if (out_->route != nullptr && !terminal) Override(i, &step);
      out_->filters.push_back(std::move(step));
    }
  }

  // The override's state is what the table has compiled; the file says on which level it stands.
  void Override(size_t index, explain::HttpFilterStep* step) {
    const http::FilterOverride& override = out_->route->filter(index);
    step->runs = override.Runs(step->filter->disabled);
    if (override.state == http::FilterOverride::State::kUnset) return;
    const struct {
      const char* name;
      const std::vector<config::PerFilterConfig>& configs;
    } levels[] = {
        {"route", out_->route->config().typed_per_filter_config},
        {"virtual host", out_->route->virtual_host().typed_per_filter_config},
        {"route configuration", hcm_.config->routes->configuration().typed_per_filter_config},
    };
    for (const auto& level : levels) {
      for (const config::PerFilterConfig& config : level.configs) {
        if (config.filter != step->filter->name) continue;
        step->own = &config;
        step->own_from = level.name;
        if (!step->runs)
          step->why = std::string("disabled by the ") + level.name;
        else if (step->filter->disabled)
          step->why = std::string("enabled by the ") + level.name;
        return;
      }
    }
  }

  const ServerContext& context_;
  Explanation* out_;
  base::Random random_ = base::Random::FromOs();
  net::WorkerContext worker_;
  hcm::HcmWorker hcm_;
  base::SlabPool pool_{0};
  std::vector<uint8_t> memory_ = std::vector<uint8_t>(kMemory + base::Slab::kPadding);
  base::Arena arena_{&pool_, memory_.data(), kMemory, 0};
  Message message_{&arena_};
  std::vector<weir_field> fields_;
};

void FillChain(const hcm::HcmConfig* hcm, Explanation* out) {
  const config::FilterChain& chain = out->listener->filter_chains.front();
  out->chain.chain = &chain;
  if (out->http != nullptr) out->chain.codecs = out->http->codecs;
  if (chain.tls == nullptr) return;
  out->chain.alpn = chain.tls->alpn_protocols;
  if (!chain.tls->alpn_given && hcm != nullptr) out->chain.alpn = hcm->codecs.AlpnNames();
  for (const config::TlsCertificate& certificate : chain.tls->certificates) {
    const config::PemSource& source = certificate.certificate_chain;
    explain::CertificateStep step;
    step.file = source.filename.empty() ? "inline" : source.filename;
    step.facts = explain::ReadCertificate(source);
    step.names_host = explain::NamesHost(step.facts, out->request.host);
    out->chain.certificates.push_back(std::move(step));
  }
}

// False when the connection manager cannot be made: a plugin changed its mind since the check. What
// the explanation points to is in `*keep`.
bool Explain(const ServerContext& context, std::shared_ptr<const hcm::HcmConfig>* keep,
             Explanation* out) {
  if (out->listener == nullptr) return true;
  const config::NetworkFilter& last = out->listener->filter_chains.front().filters.back();
  out->http = last.http.get();
  out->tcp = last.tcp_proxy.get();
  if (out->http == nullptr) {
    FillChain(nullptr, out);
    out->answer.kind = out->tcp == nullptr ? Answer::Kind::kNetworkFilter : Answer::Kind::kTcp;
    if (out->tcp != nullptr) out->cluster = &context.bootstrap->clusters[out->tcp->cluster_index];
    return true;
  }
  const auto hcm = hcm::BuildHcm(context, *out->listener, *out->http);
  if (hcm == nullptr) return false;
  FillChain(hcm.get(), out);
  Asked(context, hcm, out).Run();
  *keep = hcm;
  return true;
}

bool WantsColor() {
  const char* no = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && (no == nullptr || *no == '\0') &&
         (terminal == nullptr || std::string_view(terminal) != "dumb");
}

void Print(const Explanation& explanation, const ExplainOptions& options) {
  const auto now = static_cast<int64_t>(std::time(nullptr));
  const std::string text = options.json
                               ? explain::PrintJson(explanation, now)
                               : explain::PrintText(explanation, {WantsColor(), options.all, now});
  std::fwrite(text.data(), 1, text.size(), stdout);
}

int Mistake(const std::string& text) {
  std::fprintf(stderr, "weir explain: %s\n", text.c_str());
  return kExitUsage;
}

}  // namespace

int RunExplain(const ServerContext& context, const ExplainOptions& options) {
  std::shared_ptr<const hcm::HcmConfig> keep;
  Explanation explanation;
  explanation.file = context.diagnostics->file_name();
  std::string mistake = explain::ReadRequest(options.words, options.headers, &explanation.request,
                                             &explanation.notes);
  if (mistake.empty())
    mistake = explain::ChooseListener(*context.bootstrap, options.listener, &explanation);
  if (!mistake.empty()) return Mistake(mistake);
  if (!Explain(context, &keep, &explanation)) {
    std::fputs(context.diagnostics->Print().c_str(), stderr);
    return kExitUsage;
  }
  Print(explanation, options);
  // An explanation that cannot be written in full must not look like one.
  if (std::fflush(stdout) != 0) return Mistake("the output cannot be written");
  return explanation.matched() ? kExitOk : kExitNoRoute;
}

}  // namespace weir::server
