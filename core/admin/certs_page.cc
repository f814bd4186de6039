#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "core/admin/certificates.h"
#include "core/admin/json_writer.h"
#include "core/admin/pages.h"
#include "core/admin/query.h"

namespace weir::admin {
namespace {

constexpr size_t kMaxChain = 100;  // of an authorities' file, the first ones

// One source of certificates of the configuration, and what stands in it.
struct Source {
  CertificateSource from;
  std::vector<CertificateFacts> certificates;
};

std::vector<Source> Collect(Host* host) {
  std::vector<Source> sources;
  for (CertificateSource& from : host->Certificates()) {
    Source& source = sources.emplace_back();
    source.certificates = ReadCertificates(from.pem, kMaxChain);
    source.from = std::move(from);
  }
  return sources;
}

void WriteCertificate(const Source& source, const CertificateFacts& facts, int64_t now,
                      JsonWriter* out) {
  out->BeginObject();
  out->Field("path", source.from.path);
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
  out->Field("used_by", source.from.used_by);
  list("ca_cert", source.from.authority);
  list("cert_chain", !source.from.authority);
  out->Field("last_read", UtcTime(source.from.read_unix_s));
  if (!source.from.error.empty()) {
    out->Field("error", source.from.error);
    out->Field("failed_since", UtcTime(source.from.error_unix_s));
  }
  out->EndObject();
}

std::string TextPage(const std::vector<Source>& sources, int64_t now) {
  std::string text;
  for (const Source& source : sources) {
    const CertificateSource& from = source.from;
    text += from.used_by + (from.authority ? ", trusted_ca: " : ": ") + from.path + ", read " +
            UtcTime(from.read_unix_s) + "\n";
    if (!from.error.empty()) {
      text += "  since " + UtcTime(from.error_unix_s) +
              " what is there now cannot be used: " + Shown(from.error) + "\n";
    }
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
  const std::vector<Source> sources = Collect(host);
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
