#include "core/server/tls_setup.h"

#include <string>
#include <string_view>
#include <utility>

#include "core/config/names.h"
#include "core/http/codec_set.h"
#include "core/net/tls/client_context.h"
#include "core/net/tls/server_contexts.h"
#include "core/server/pem_file.h"

namespace weir::server {
namespace {

using net::tls::Pem;
using net::tls::TlsError;

bool ReadPem(const ServerContext& context, const config::PemSource& source, Pem* out) {
  if (source.filename.empty()) {
    *out = Pem{"inline_string", source.inline_string};
    return true;
  }
  out->name = source.filename;
  const std::string reason = ReadPemFile(source.filename, &out->text);
  if (reason.empty()) return true;
  context.diagnostics->Add(source.mark,
                           "cannot read " + config::Quote(source.filename) + ": " + reason);
  return false;
}

std::string Join(const std::vector<std::string>& names, bool tls13) {
  std::string list;
  for (const std::string& name : names) {
    if ((name.substr(0, 4) == "TLS_") != tls13) continue;
    if (!list.empty()) list += ':';
    list += name;
  }
  return list;
}

net::tls::Version VersionOf(config::TlsVersion version) {
  return version == config::TlsVersion::kTls12 ? net::tls::Version::kTls12
                                               : net::tls::Version::kTls13;
}

// What both sides have.
bool Fill(const ServerContext& context, const config::TlsContext& tls, net::tls::TlsOptions* out) {
  out->min_version = VersionOf(tls.tls_minimum_protocol_version);
  out->max_version = VersionOf(tls.tls_maximum_protocol_version);
  out->ciphers = Join(tls.cipher_suites, false);
  out->ciphersuites = Join(tls.cipher_suites, true);
  for (const std::string& curve : tls.ecdh_curves)
    out->curves += (out->curves.empty() ? "" : ":") + curve;
  out->alpn = tls.alpn_protocols;
  bool ok = true;
  for (const config::TlsCertificate& certificate : tls.certificates) {
    net::tls::CertificateSource source;
    ok = ReadPem(context, certificate.certificate_chain, &source.chain) && ok;
    ok = ReadPem(context, certificate.private_key, &source.key) && ok;
    out->certificates.push_back(std::move(source));
  }
  if (!tls.trusted_ca.empty()) ok = ReadPem(context, tls.trusted_ca, &out->trusted_ca) && ok;
  return ok;
}

// Codecs that cannot be found are reported by who uses them.
std::vector<std::string> AlpnOf(const ServerContext& context,
                                const std::vector<std::string>& codecs) {
  http::CodecSet set;
  for (const std::string& name : codecs) {
    std::string error;
    const plugins::CodecExtension* codec = context.plugins->FindCodec(name, &error);
    if (codec != nullptr) set.choices.push_back({codec->api, {}});
  }
  return set.AlpnNames();
}

void Report(const ServerContext& context, const config::TlsContext& tls, const TlsError& error) {
  config::Mark mark = tls.mark;
  std::string what;
  switch (error.part) {
    case TlsError::Part::kChain:
      mark = tls.certificates[error.certificate].certificate_chain.mark;
      break;
    case TlsError::Part::kKey:
      mark = tls.certificates[error.certificate].private_key.mark;
      break;
    case TlsError::Part::kTrustedCa:
      mark = tls.trusted_ca.mark;
      break;
    case TlsError::Part::kCiphers:
      what = "cipher_suites: ";
      break;
    case TlsError::Part::kCurves:
      what = "ecdh_curves: ";
      break;
    case TlsError::Part::kOther:
      break;
  }
  context.diagnostics->Add(mark, what + error.text);
}

// Whether anything says whom a verified backend is to be.
bool CheckNames(const ServerContext& context, const config::Cluster& cluster,
                const config::TlsContext& tls) {
  if (!tls.verify || !tls.sni.empty() || !tls.subject_alt_names.empty()) return true;
  for (const config::Endpoint& endpoint : cluster.endpoints) {
    if (endpoint.address.kind != config::Address::Kind::kUnix) continue;
    context.diagnostics->Add(tls.mark,
                             "a Unix socket has no name that its certificate could be for",
                             "sni, or subject_alt_names");
    return false;
  }
  return true;
}

// For the try on the main thread; the workers make their own.
struct Trial {
  net::Reactor reactor{0};
  base::SlabPool pool{0};
  net::tls::TlsWorker worker{&reactor, &pool};
};

bool TryServer(const net::tls::ServerTlsOptions& options, TlsError* error) {
  const auto trial = std::make_unique<Trial>();
  return net::tls::ServerContexts::Make(options, nullptr, &trial->worker, nullptr, error) !=
         nullptr;
}

bool TryClient(const net::tls::ClientTlsOptions& options, TlsError* error) {
  const auto trial = std::make_unique<Trial>();
  return net::tls::ClientContext::Make(options, &trial->worker, nullptr, error) != nullptr;
}

}  // namespace

std::shared_ptr<ServerTlsFiles> LoadServerTls(const ServerContext& context,
                                              const config::Listener& listener,
                                              const config::FilterChain& chain) {
  const config::TlsContext& tls = *chain.tls;
  auto files =
      std::make_shared<ServerTlsFiles>("listener", listener.name, tls, context.stats, TryServer);
  auto options = std::make_shared<net::tls::ServerTlsOptions>();
  if (!Fill(context, tls, options.get())) return nullptr;
  const auto& http = chain.filters.back().http;
  if (!tls.alpn_given && http != nullptr) options->alpn = AlpnOf(context, http->codecs);
  options->require_client_certificate = tls.require_client_certificate;
  options->session_tickets = !tls.disable_stateless_session_resumption;
  options->session_timeout_s = static_cast<uint32_t>(tls.session_timeout.count() / 1000);
  // A session of one listener, with what it verified, is nothing to another.
  options->id_context = listener.name;
  TlsError error;
  if (!TryServer(*options, &error)) {
    Report(context, tls, error);
    return nullptr;
  }
  files->Begin(std::move(options));
  return files;
}

std::shared_ptr<ClientTlsFiles> LoadClientTls(const ServerContext& context,
                                              const config::Cluster& cluster,
                                              const config::TlsContext& tls) {
  auto files =
      std::make_shared<ClientTlsFiles>("cluster", cluster.name, tls, context.stats, TryClient);
  auto options = std::make_shared<net::tls::ClientTlsOptions>();
  if (!Fill(context, tls, options.get()) || !CheckNames(context, cluster, tls)) return nullptr;
  if (!tls.alpn_given) options->alpn = AlpnOf(context, config::CodecsOfProtocol(cluster.protocol));
  options->server_name = tls.sni;
  options->verify = tls.verify;
  options->names = tls.subject_alt_names;
  options->max_session_keys = tls.max_session_keys;
  TlsError error;
  if (!TryClient(*options, &error)) {
    Report(context, tls, error);
    return nullptr;
  }
  files->Begin(std::move(options));
  return files;
}

}  // namespace weir::server
