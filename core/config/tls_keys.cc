#include <algorithm>
#include <utility>

#include "core/config/names.h"
#include "core/config/tables.h"

namespace weir::config {
namespace {

using T = TlsContext;

constexpr const char* kDownstream =
    "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";
constexpr const char* kUpstream = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
constexpr const char* kRawBuffer = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";
constexpr const char* kPemStart = "-----BEGIN ";
// What stands in the place of a private key that the file holds: it is written nowhere.
constexpr const char* kNotShown = "[not shown]";

// --- texts and files ---

void ReadPemText(Context& c, const Field& field, PemSource* out, bool inline_only) {
  const auto text = field.node().AsString();
  if (!text || text->empty()) return c.AddExpected(field, "a file name, or a PEM text");
  if (inline_only || text->substr(0, std::string_view(kPemStart).size()) == kPemStart) {
    out->inline_string = std::string(*text);
  } else {
    ReadText(c, field, &out->filename);
  }
}

void ReadPem(Context& c, const Field& field, PemSource* out) {
  static const Keys<PemSource> keys = {
      TextKey("filename", &PemSource::filename, ""),
      CustomKey<PemSource>(
          "inline_string", "string",
          [](Context& c2, const Field& f, PemSource* p) { ReadPemText(c2, f, p, true); }, nullptr,
          ""),
      MissingKey<PemSource>("inline_bytes", "bytes in base64"),
      MissingKey<PemSource>("environment_variable",
                            "this key; inline_string: ${NAME} says the same"),
      MissingKey<PemSource>("watched_directory", "reloading of certificates"),
  };
  out->mark = field.node().mark();
  if (field.node().is_scalar()) return ReadPemText(c, field, out, false);
  CheckOneOf(c, field, {"filename", "inline_string", "inline_bytes", "environment_variable"}, true);
  ReadMap(c, field, keys, out);
}

std::shared_ptr<const Node> PrintPem(const PemSource& pem, bool secret) {
  if (pem.empty()) return nullptr;
  if (!pem.filename.empty()) return PrintMap({{"filename", PrintText(pem.filename)}});
  return PrintMap({{"inline_string", PrintText(secret ? kNotShown : pem.inline_string)}});
}

template <class S>
Key<S> PemKey(const char* name, PemSource S::*member, const char* doc) {
  return CustomKey<S>(
      name, "data source",
      [member](Context& c, const Field& f, S* s) { ReadPem(c, f, &(s->*member)); },
      [member](const S& s) { return PrintPem(s.*member, false); }, doc);
}

template <class S>
Key<S> TextsKey(const char* name, std::vector<std::string> S::*member, const char* doc) {
  return CustomKey<S>(
      name, "list of strings",
      [member](Context& c, const Field& f, S* s) {
        if (!ExpectList(c, f)) return;
        std::vector<std::string> names;
        for (const Field& element : Elements(f, &names)) {
          std::string text;
          ReadVisible(c, element, ",", "a name of visible ASCII", &text);
          if (!text.empty()) (s->*member).push_back(std::move(text));
        }
      },
      [member](const S& s) -> std::shared_ptr<const Node> {
        if ((s.*member).empty()) return nullptr;
        auto list = Node::Sequence({});
        for (const std::string& text : s.*member) list->Add("", {}, PrintText(text));
        return list;
      },
      doc);
}

// --- certificates ---

Key<TlsCertificate> ChainRow(const char* name) {
  return PemKey(name, &TlsCertificate::certificate_chain, "").Required();
}

Key<TlsCertificate> KeyRow(const char* name) {
  return CustomKey<TlsCertificate>(
             name, "data source",
             [](Context& c, const Field& f, TlsCertificate* t) { ReadPem(c, f, &t->private_key); },
             [](const TlsCertificate& t) { return PrintPem(t.private_key, true); }, "")
      .Required();
}

const Keys<TlsCertificate>& LongCertificateKeys() {
  using C = TlsCertificate;
  static const Keys<C> keys = {
      ChainRow("certificate_chain"),
      KeyRow("private_key"),
      MissingKey<C>("password", "pass phrases of private keys"),
      MissingKey<C>("pkcs12", "PKCS #12 files"),
      MissingKey<C>("private_key_provider", "private keys elsewhere"),
      MissingKey<C>("ocsp_staple", "OCSP stapling"),
      MissingKey<C>("signed_certificate_timestamp", "certificate timestamps"),
      MissingKey<C>("watched_directory", "reloading of certificates"),
  };
  return keys;
}

const Keys<TlsCertificate>& ShortCertificateKeys() {
  static const Keys<TlsCertificate> keys = {ChainRow("cert"), KeyRow("key")};
  return keys;
}

void ReadCertificates(Context& c, const Field& field, const Keys<TlsCertificate>& keys, T* out) {
  if (!ExpectList(c, field)) return;
  std::vector<std::string> names;
  for (const Field& element : Elements(field, &names)) {
    TlsCertificate certificate;
    certificate.mark = element.key_mark;
    ReadMap(c, element, keys, &certificate);
    out->certificates.push_back(std::move(certificate));
  }
}

Key<T> CertificatesRow() {
  return CustomKey<T>(
      "tls_certificates", "list of {certificate_chain, private_key}",
      [](Context& c, const Field& f, T* t) { ReadCertificates(c, f, LongCertificateKeys(), t); },
      [](const T& t) -> std::shared_ptr<const Node> {
        if (t.certificates.empty()) return nullptr;
        auto list = Node::Sequence({});
        for (const TlsCertificate& certificate : t.certificates)
          list->Add("", {}, PrintKeys(LongCertificateKeys(), certificate));
        return list;
      },
      "Chains and keys. A listener gives each client the one for the name it asks for, ECDSA "
      "first; "
      "else the first.");
}

// --- parameters ---

// Envoy's lists may hold alternatives of equal rank, "[A|B]"; OpenSSL ranks them in their order.
void ReadCipherSuites(Context& c, const Field& field, T* out) {
  if (!ExpectList(c, field)) return;
  std::vector<std::string> names;
  for (const Field& element : Elements(field, &names)) {
    std::string text;
    ReadVisible(c, element, ",", "a cipher suite", &text);
    if (text.size() > 2 && text.front() == '[' && text.back() == ']')
      text = text.substr(1, text.size() - 2);
    while (!text.empty()) {
      const std::size_t bar = text.find('|');
      out->cipher_suites.push_back(text.substr(0, bar));
      text = bar == std::string::npos ? "" : text.substr(bar + 1);
    }
  }
}

Key<T> VersionRow(const char* name, TlsVersion T::*member, const char* doc) {
  return CustomKey<T>(
      name, "TLS_AUTO, TLSv1_2 or TLSv1_3",
      [member](Context& c, const Field& f, T* t) {
        const int index =
            ReadEnum(c, f, {"TLSv1_2", "TLSv1_3", "TLS_AUTO"}, {"TLSv1_0", "TLSv1_1"});
        if (index == 0) t->*member = TlsVersion::kTls12;
        if (index == 1) t->*member = TlsVersion::kTls13;
        if (index == 2) t->*member = T{}.*member;
      },
      [member](const T& t) {
        return PrintText(t.*member == TlsVersion::kTls12 ? "TLSv1_2" : "TLSv1_3");
      },
      doc);
}

Keys<T> ParameterRows() {
  Key<T> suites = TextsKey("cipher_suites", &T::cipher_suites,
                           "OpenSSL's names, in order. Default: ECDHE with AES-128-GCM, "
                           "CHACHA20-POLY1305, AES-256-GCM.");
  suites.read = ReadCipherSuites;
  return {
      VersionRow("tls_minimum_protocol_version", &T::tls_minimum_protocol_version,
                 "No older version."),
      VersionRow("tls_maximum_protocol_version", &T::tls_maximum_protocol_version,
                 "No newer version."),
      std::move(suites),
      TextsKey("ecdh_curves", &T::ecdh_curves, "In order. Default: X25519, P-256."),
  };
}

Key<T> AlpnRow() {
  Key<T> key = TextsKey("alpn_protocols", &T::alpn_protocols,
                        "What is offered by ALPN, in order. Default: what the codecs speak.");
  const auto read = key.read;
  key.read = [read](Context& c, const Field& f, T* t) {
    t->alpn_given = true;
    read(c, f, t);
  };
  return key;
}

// --- whom to trust ---

struct SubjectMatch {
  std::string type = "DNS";
  std::string exact;
};

void ReadSubjectMatches(Context& c, const Field& field, T* out) {
  static const Keys<SubjectMatch> matcher = {
      TextKey("exact", &SubjectMatch::exact, "").Required(),
      MissingKey<SubjectMatch>("prefix", "a choice of certificates by pattern"),
      MissingKey<SubjectMatch>("suffix", "a choice of certificates by pattern"),
      MissingKey<SubjectMatch>("contains", "a choice of certificates by pattern"),
      MissingKey<SubjectMatch>("safe_regex", "a choice of certificates by pattern"),
      MissingKey<SubjectMatch>("ignore_case", "this switch; case never counts", "true"),
  };
  static const Keys<SubjectMatch> keys = {
      CustomKey<SubjectMatch>(
          "san_type", "DNS or IP_ADDRESS",
          [](Context& c2, const Field& f, SubjectMatch*) {
            ReadEnum(c2, f, {"DNS", "IP_ADDRESS"}, {"EMAIL", "URI", "OTHER_NAME"});
          },
          nullptr, ""),
      CustomKey<SubjectMatch>(
          "matcher", "mapping",
          [](Context& c2, const Field& f, SubjectMatch* m) { ReadMap(c2, f, matcher, m); }, nullptr,
          "")
          .Required(),
  };
  if (!ExpectList(c, field)) return;
  std::vector<std::string> names;
  for (const Field& element : Elements(field, &names)) {
    SubjectMatch match;
    ReadMap(c, element, keys, &match);
    if (!match.exact.empty()) out->subject_alt_names.push_back(std::move(match.exact));
  }
}

bool LooksLikeIp(const std::string& text) {
  return text.find(':') != std::string::npos ||
         text.find_first_not_of("0123456789.") == std::string::npos;
}

std::shared_ptr<const Node> PrintSubjectMatches(const T& t) {
  if (t.subject_alt_names.empty()) return nullptr;
  auto list = Node::Sequence({});
  for (const std::string& name : t.subject_alt_names) {
    list->Add("", {},
              PrintMap({{"san_type", PrintText(LooksLikeIp(name) ? "IP_ADDRESS" : "DNS")},
                        {"matcher", PrintMap({{"exact", PrintText(name)}})}}));
  }
  return list;
}

Keys<T> ValidationRows(bool upstream) {
  Keys<T> rows = {
      PemKey("trusted_ca", &T::trusted_ca,
             upstream ? "Who may sign a backend's certificate. Default: the system's authorities."
                      : "Who may sign a client's certificate; with it clients are asked for one."),
      MissingKey<T>("crl", "revocation lists"),
      MissingKey<T>("match_subject_alt_names", "this key; match_typed_subject_alt_names says it"),
      MissingKey<T>("verify_certificate_spki", "pinned keys"),
      MissingKey<T>("verify_certificate_hash", "pinned certificates"),
      MissingKey<T>("allow_expired_certificate", "expired certificates", "false"),
      MissingKey<T>("max_verify_depth", "a limit of a chain's length", "100"),
      MissingKey<T>("only_verify_leaf_cert_crl", "revocation lists", "false"),
      MissingKey<T>("require_signed_certificate_timestamp", "certificate timestamps"),
      MissingKey<T>("custom_validator_config", "validators as extensions"),
      MissingKey<T>("watched_directory", "reloading of certificates"),
  };
  if (!upstream) {
    rows.push_back(MissingKey<T>("match_typed_subject_alt_names",
                                 "a choice of clients by their certificates' names"));
    rows.push_back(MissingKey<T>("trust_chain_verification", "clients that are not verified",
                                 "VERIFY_TRUST_CHAIN"));
    return rows;
  }
  rows.push_back(CustomKey<T>("match_typed_subject_alt_names",
                              "list of {san_type, matcher: {exact}}", ReadSubjectMatches,
                              PrintSubjectMatches,
                              "A backend's certificate must be for one of these names. Default: "
                              "sni, else the endpoint's host name or address."));
  rows.push_back(EnumKey<T, bool>("trust_chain_verification", &T::verify,
                                  {{"VERIFY_TRUST_CHAIN", true}, {"ACCEPT_UNTRUSTED", false}}, {},
                                  "ACCEPT_UNTRUSTED: anybody may answer in the backend's place."));
  rows.push_back(DescriptiveKey<T>("system_root_certs", "They are the default."));
  return rows;
}

Key<T> CommonRow(bool upstream) {
  return GroupKey<T>(
      "common_tls_context",
      {GroupKey<T>(
           "tls_params",
           [] {
             Keys<T> rows = ParameterRows();
             rows.push_back(
                 MissingKey<T>("signature_algorithms", "a choice of signature algorithms"));
             rows.push_back(MissingKey<T>("compliance_policies", "compliance policies"));
             return rows;
           }(),
           ""),
       CertificatesRow(), GroupKey<T>("validation_context", ValidationRows(upstream), ""),
       AlpnRow(), MissingKey<T>("tls_certificate_sds_secret_configs", "certificates by discovery"),
       MissingKey<T>("validation_context_sds_secret_config", "certificates by discovery"),
       MissingKey<T>("combined_validation_context", "certificates by discovery"),
       MissingKey<T>("tls_certificate_provider_instance", "certificates by discovery"),
       MissingKey<T>("custom_tls_certificate_selector", "certificates by discovery"),
       MissingKey<T>("custom_handshaker", "handshakes as extensions"),
       MissingKey<T>("key_log", "logs of session keys")},
      "");
}

Key<T> TypeRow(const char* message) {
  return CustomKey<T>(
      "@type", "string",
      [message](Context& c, const Field& f, T*) {
        if (MessageOf(f.node().text()) != message) c.AddExpected(f, message);
      },
      [message](const T&) { return PrintText(message); }, "");
}

Key<T> RequireClientRow() {
  return BoolKey("require_client_certificate", &T::require_client_certificate,
                 "A client without a certificate that trusted_ca's signed is refused.");
}

Key<T> SessionTimeoutRow() {
  return DurationKey("session_timeout", &T::session_timeout,
                     "How long after its full handshake a session can be resumed, however often it "
                     "was in between; its ticket's key is replaced as often.",
                     Milliseconds(1000), Milliseconds(86'400'000))
      .Limit("");
}

Key<T> SniRow() {
  return CustomKey<T>(
      "sni", "host name", [](Context& c, const Field& f, T* t) { ReadHost(c, f, &t->sni); },
      [](const T& t) { return t.sni.empty() ? nullptr : PrintText(t.sni); },
      "The name asked for, and verified. Default: the endpoint's host name.");
}

Key<T> SessionKeysRow() {
  return IntKey("max_session_keys", &T::max_session_keys, 0, 64,
                "Sessions that a worker keeps for each endpoint, to resume them; 0: none.")
      .Limit("");
}

// --- short forms ---

Keys<T> ShortRows() {
  Keys<T> rows = ParameterRows();
  rows.push_back(AlpnRow());
  rows.push_back(PemKey("ca", &T::trusted_ca, ""));
  return rows;
}

const Keys<T>& ShortDownstreamKeys() {
  static const Keys<T> keys = [] {
    Keys<T> rows = ShortRows();
    rows.push_back(CustomKey<T>(
                       "certificates", "list of {cert, key}",
                       [](Context& c, const Field& f, T* t) {
                         ReadCertificates(c, f, ShortCertificateKeys(), t);
                       },
                       nullptr, "")
                       .Required());
    rows.push_back(RequireClientRow());
    rows.push_back(SessionTimeoutRow());
    return rows;
  }();
  return keys;
}

// One certificate, given as `cert` and `key`.
void ReadShortOwn(Context& c, const Field& field, T* out, PemSource TlsCertificate::*member) {
  if (out->certificates.empty()) out->certificates.push_back({{}, {}, field.key_mark});
  ReadPem(c, field, &(out->certificates.front().*member));
}

const Keys<T>& ShortUpstreamKeys() {
  static const Keys<T> keys = [] {
    Keys<T> rows = ShortRows();
    rows.push_back(SniRow());
    rows.push_back(SessionKeysRow());
    rows.push_back(BoolKey("verify", &T::verify, ""));
    rows.push_back(TextsKey("subject_alt_names", &T::subject_alt_names, ""));
    rows.push_back(CustomKey<T>(
        "cert", "data source",
        [](Context& c, const Field& f, T* t) {
          ReadShortOwn(c, f, t, &TlsCertificate::certificate_chain);
        },
        nullptr, ""));
    rows.push_back(CustomKey<T>(
        "key", "data source",
        [](Context& c, const Field& f, T* t) {
          ReadShortOwn(c, f, t, &TlsCertificate::private_key);
        },
        nullptr, ""));
    return rows;
  }();
  return keys;
}

// --- what only the whole says ---

void CheckContext(Context& c, const Field& field, bool upstream, const T& tls) {
  if (tls.tls_minimum_protocol_version > tls.tls_maximum_protocol_version) {
    c.Add(field.key_mark, std::string(field.key) + ": the minimum version is above the maximum",
          "TLSv1_2, TLSv1_3");
  }
  if (!upstream && tls.certificates.empty()) {
    c.Add(field.key_mark, std::string(field.key) + " has no certificate",
          "a certificate chain and its private key");
  }
  if (!upstream && tls.require_client_certificate && tls.trusted_ca.empty()) {
    c.Add(field.key_mark,
          "require_client_certificate needs to know who signs clients' certificates",
          "trusted_ca (in short: ca)");
  }
  if (upstream && tls.certificates.size() > 1) {
    c.Add(tls.certificates[1].mark, "several client certificates", "one");
  }
  for (const TlsCertificate& certificate : tls.certificates) {
    if (!upstream || certificate.certificate_chain.empty() == certificate.private_key.empty())
      continue;
    c.Add(certificate.mark, "a certificate and its key belong together", "cert and key");
  }
}

std::shared_ptr<const T> ReadContext(Context& c, const Field& field, bool upstream,
                                     const Keys<T>& keys) {
  auto tls = std::make_shared<T>();
  tls->mark = field.key_mark;
  const std::size_t before = c.diagnostics().count();
  ReadMap(c, field, keys, tls.get());
  if (c.diagnostics().count() == before) CheckContext(c, field, upstream, *tls);
  return tls;
}

struct TransportSocket {
  std::string name;
  std::shared_ptr<const Node> typed_config;
  Mark mark;
};

const Keys<TransportSocket>& TransportSocketKeys() {
  static const Keys<TransportSocket> keys = {
      TextKey("name", &TransportSocket::name, "").Required(),
      CustomKey<TransportSocket>(
          "typed_config", "mapping",
          [](Context& c, const Field& f, TransportSocket* s) {
            if (!ExpectMap(c, f)) return;
            s->typed_config = f.value;
            s->mark = f.key_mark;
          },
          nullptr, ""),
      MissingKey<TransportSocket>("config_discovery", "configuration by discovery"),
  };
  return keys;
}

}  // namespace

const Keys<TlsContext>& DownstreamTlsKeys() {
  static const Keys<T> keys = {
      TypeRow(kDownstream),
      CommonRow(false),
      RequireClientRow(),
      SessionTimeoutRow(),
      BoolKey("disable_stateless_session_resumption", &T::disable_stateless_session_resumption,
              "No session tickets, so no session is resumed."),
      DescriptiveKey<T>("disable_stateful_session_resumption", "There is none."),
      MissingKey<T>("session_ticket_keys", "session ticket keys from files"),
      MissingKey<T>("session_ticket_keys_sds_secret_config", "session ticket keys by discovery"),
      MissingKey<T>("require_sni", "refusing clients that ask for no name", "false"),
      MissingKey<T>("ocsp_staple_policy", "OCSP stapling", "LENIENT_STAPLING"),
      MissingKey<T>("full_scan_certs_on_sni_mismatch", "a choice of certificates by key type",
                    "false"),
      MissingKey<T>("prefer_client_ciphers", "the clients' order of ciphers", "false"),
  };
  return keys;
}

const Keys<TlsContext>& UpstreamTlsKeys() {
  static const Keys<T> keys = {
      TypeRow(kUpstream),
      CommonRow(true),
      SniRow(),
      SessionKeysRow(),
      DescriptiveKey<T>("auto_host_sni", "It is the default."),
      DescriptiveKey<T>("auto_sni_san_validation", "It is the default."),
      MissingKey<T>("allow_renegotiation", "renegotiation", "false"),
      DescriptiveKey<T>("enforce_rsa_key_usage", "It is always enforced."),
  };
  return keys;
}

std::shared_ptr<const TlsContext> ReadShortTls(Context& c, const Field& field, bool upstream) {
  return ReadContext(c, field, upstream, upstream ? ShortUpstreamKeys() : ShortDownstreamKeys());
}

std::shared_ptr<const TlsContext> ReadTransportSocket(Context& c, const Field& field,
                                                      bool upstream) {
  TransportSocket socket;
  socket.mark = field.key_mark;
  const std::size_t before = c.diagnostics().count();
  ReadMap(c, field, TransportSocketKeys(), &socket);
  if (c.diagnostics().count() != before) return nullptr;
  const Node* type = socket.typed_config == nullptr ? nullptr : socket.typed_config->Find("@type");
  const std::string_view message = type == nullptr ? "" : MessageOf(type->text());
  const bool raw =
      type == nullptr ? socket.name == "envoy.transport_sockets.raw_buffer" : message == kRawBuffer;
  if (raw) return nullptr;
  const char* wanted = upstream ? kUpstream : kDownstream;
  if (type == nullptr || message != wanted) {
    c.Add(type == nullptr ? socket.mark : type->mark(),
          type == nullptr
              ? "the transport socket has no typed_config with an @type"
              : "@type " + Quote(type->text()) + " is of no transport socket for this place",
          wanted);
    if (socket.typed_config != nullptr) socket.typed_config->MarkRead();
    return nullptr;
  }
  return ReadContext(c, Field{"typed_config", socket.mark, socket.typed_config}, upstream,
                     upstream ? UpstreamTlsKeys() : DownstreamTlsKeys());
}

std::shared_ptr<const Node> PrintTransportSocket(const TlsContext* tls, bool upstream) {
  if (tls == nullptr) return nullptr;
  return PrintMap(
      {{"name", PrintText("envoy.transport_sockets.tls")},
       {"typed_config", PrintKeys(upstream ? UpstreamTlsKeys() : DownstreamTlsKeys(), *tls)}});
}

}  // namespace weir::config
