#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "core/admin/certificates.h"
#include "core/admin/json_writer.h"
#include "core/admin/pages.h"
#include "core/admin/query.h"

namespace weir::admin {
namespace {

constexpr size_t kMaxFile = 1 << 20;
constexpr size_t kMaxChain = 100;  // of an authorities' file, the first ones

// One source of certificates of the configuration, and who uses it.
struct Source {
  std::string used_by;  // "listener main", "cluster app"
  bool authority = false;
  std::string path;  // "inline_string" where the file holds it
  std::vector<CertificateFacts> certificates;
};

std::string TextOf(const config::PemSource& pem) {
  if (pem.filename.empty()) return pem.inline_string;
  std::ifstream file(pem.filename, std::ios::binary);
  std::string text(kMaxFile, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

void AddSource(const std::string& used_by, bool authority, const config::PemSource& pem,
               std::vector<Source>* out) {
  if (pem.empty()) return;
  Source source{used_by, authority, pem.filename.empty() ? "inline_string" : pem.filename, {}};
  source.certificates = ReadCertificates(TextOf(pem), kMaxChain);
  out->push_back(std::move(source));
}

void AddContext(const std::string& used_by, const config::TlsContext* tls,
                std::vector<Source>* out) {
  if (tls == nullptr) return;
  for (const config::TlsCertificate& certificate : tls->certificates)
    AddSource(used_by, false, certificate.certificate_chain, out);
  AddSource(used_by, true, tls->trusted_ca, out);
}

std::vector<Source> Collect(const config::Bootstrap& bootstrap) {
  std::vector<Source> sources;
  for (const config::Listener& listener : bootstrap.listeners) {
    for (const config::FilterChain& chain : listener.filter_chains)
      AddContext("listener " + listener.name, chain.tls.get(), &sources);
  }
  for (const config::Cluster& cluster : bootstrap.clusters)
    AddContext("cluster " + cluster.name, cluster.tls.get(), &sources);
  return sources;
}

void WriteCertificate(const Source& source, const CertificateFacts& facts, int64_t now,
                      JsonWriter* out) {
  out->BeginObject();
  out->Field("path", source.path);
  out->Field("subject", facts.subject);
  out->Field("serial_number", facts.serial_number);
  out->Key("subject_alt_names");
  out->BeginArray();
  for (const std::string& name : facts.subject_alt_names) out->String(name);
  out->EndArray();
  out->Key("days_until_expiration");
  out->Signed(DaysUntil(facts.not_after_unix_s, now));
  out->Field("valid_from", UtcTime(facts.not_before_unix_s));
  out->Field("expiration_time", UtcTime(facts.not_after_unix_s));
  out->EndObject();
}

void WriteSource(const Source& source, int64_t now, JsonWriter* out) {
  const auto list = [&](const char* key, bool wanted) {
    out->Key(key);
    out->BeginArray();
    if (wanted) {
      for (const CertificateFacts& facts : source.certificates)
        WriteCertificate(source, facts, now, out);
    }
    out->EndArray();
  };
  out->BeginObject();
  out->Field("used_by", source.used_by);
  list("ca_cert", source.authority);
  list("cert_chain", !source.authority);
  out->EndObject();
}

std::string TextPage(const std::vector<Source>& sources, int64_t now) {
  std::string text;
  for (const Source& source : sources) {
    text += source.used_by + (source.authority ? ", trusted_ca: " : ": ") + source.path + "\n";
    if (source.certificates.empty()) text += "  no certificate can be read there\n";
    for (const CertificateFacts& facts : source.certificates) {
      text += "  " + std::to_string(DaysUntil(facts.not_after_unix_s, now)) + " days left, until " +
              UtcTime(facts.not_after_unix_s) + ": " + Shown(facts.subject);
      for (const std::string& name : facts.subject_alt_names) text += " " + Shown(name);
      text += "\n";
    }
  }
  return text;
}

}  // namespace

Reply CertsPage(std::string_view query, Host* host) {
  Query wanted;
  std::string error = wanted.Parse(query, {"format"});
  if (!error.empty()) return Answer(400, std::move(error));
  const bool json = wanted.WantsJson(&error);
  if (!error.empty()) return Answer(400, std::move(error));
  const std::vector<Source> sources = Collect(*host->Config());
  const auto now = static_cast<int64_t>(std::time(nullptr));
  if (!json) return Answer(200, TextPage(sources, now));
  std::string text;
  JsonWriter out(&text);
  out.BeginObject();
  out.Key("certificates");
  out.BeginArray();
  for (const Source& source : sources) WriteSource(source, now, &out);
  out.EndArray();
  out.EndObject();
  return AnswerJson(text + "\n");
}

}  // namespace weir::admin
