#include "core/server/tls_files.h"

#include <algorithm>
#include <ctime>

#include "core/base/log.h"
#include "core/server/pem_file.h"

namespace weir::server {
namespace {

using net::tls::Pem;
using net::tls::TlsError;

constexpr int64_t kSecondNs = 1'000'000'000;
// Files that are being replaced while they are read are read again at once, so many times; then at
// the next look.
constexpr int kMostReads = 3;

}  // namespace

TlsFiles::TlsFiles(const std::string& scope, const std::string& name, const config::TlsContext& tls,
                   observe::StatRegistry* stats)
    : used_by_(scope + " " + name), certificates_(tls.certificates.size()) {
  const auto now = static_cast<int64_t>(std::time(nullptr));
  const auto file = [now](const config::PemSource& source) {
    File made{source.filename, {}, false};
    if (made.path.empty()) return made;
    made.identity = FileIdentity::Of(made.path);
    made.may_still_change = made.identity.MayStillChange(now * kSecondNs);
    return made;
  };
  const auto add = [&](std::vector<File> files) {
    Unit& unit = units_.emplace_back();
    unit.files = std::move(files);
    unit.read_unix_s = now;
  };
  for (const config::TlsCertificate& certificate : tls.certificates)
    add({file(certificate.certificate_chain), file(certificate.private_key)});
  if (!tls.trusted_ca.empty()) add({file(tls.trusted_ca)});
  stats->NoteScope(scope, name);
  const auto counter = [&](const char* what) {
    return stats->main_block()->Get(
        stats->Define(scope + "." + name + ".ssl." + what, observe::StatKind::kCounter));
  };
  success_ = counter("cert_reload_success");
  failure_ = counter("cert_reload_failure");
}

std::vector<Pem*> TlsFiles::PemsOf(Parts* parts, size_t unit) const {
  if (unit >= certificates_) return {&parts->trusted_ca};
  return {&parts->certificates[unit].chain, &parts->certificates[unit].key};
}

bool TlsFiles::Touched(Unit* unit, int64_t now_unix_ns) const {
  bool touched = false;
  for (File& file : unit->files) {
    if (file.path.empty()) continue;
    const FileIdentity identity = FileIdentity::Of(file.path);
    touched = touched || identity != file.identity || file.may_still_change;
    file.identity = identity;
    file.may_still_change = identity.MayStillChange(now_unix_ns);
  }
  return touched;
}

// False: there is nothing that would have to be tried.
bool TlsFiles::Read(size_t at, Parts* parts, int64_t now_unix_ns) {
  Unit& unit = units_[at];
  const std::vector<Pem*> pems = PemsOf(parts, at);
  std::vector<std::string> texts;
  std::string failure;
  for (int i = 0; i < kMostReads; ++i) {
    texts.clear();
    failure.clear();
    for (size_t j = 0; j < unit.files.size(); ++j) {
      const File& file = unit.files[j];
      std::string& text = texts.emplace_back(file.path.empty() ? pems[j]->text : "");
      if (file.path.empty()) continue;
      const std::string reason =
          file.identity.regular() ? ReadPemFile(file.path, &text) : "there is no such file";
      if (!reason.empty() && failure.empty()) failure = file.path + ": " + reason;
    }
    const bool steady = std::all_of(unit.files.begin(), unit.files.end(), [](const File& file) {
      return file.path.empty() || FileIdentity::Of(file.path) == file.identity;
    });
    if (steady || i + 1 == kMostReads) break;
    Touched(&unit, now_unix_ns);
  }
  if (!unit.error.empty() && texts == unit.tried && failure == unit.unread) return false;
  const bool as_used =
      std::equal(texts.begin(), texts.end(), pems.begin(), pems.end(),
                 [](const std::string& text, const Pem* pem) { return text == pem->text; });
  if (as_used && failure.empty()) {
    if (!unit.error.empty()) Settle(&unit, unit.read_unix_s);
    return false;
  }
  unit.tried = std::move(texts);
  unit.unread = failure;
  if (!failure.empty()) {
    Refuse(&unit, failure, now_unix_ns);
    return false;
  }
  for (size_t j = 0; j < pems.size(); ++j) pems[j]->text = unit.tried[j];
  return true;
}

// Leaves in *changed what was taken. What does not fit is left out, and the rest is tried again.
bool TlsFiles::TakeAll(Parts next, std::vector<size_t>* changed, int64_t now_unix_ns) {
  Parts present = Present();
  while (!changed->empty()) {
    TlsError error;
    if (Take(next, *changed, &error)) return true;
    const bool of_pair = error.part == TlsError::Part::kChain || error.part == TlsError::Part::kKey;
    const size_t guilty = of_pair ? error.certificate : certificates_;
    const bool known = of_pair || error.part == TlsError::Part::kTrustedCa;
    const auto found = std::find(changed->begin(), changed->end(), guilty);
    if (!known || found == changed->end()) {
      for (const size_t at : *changed) Refuse(&units_[at], error.text, now_unix_ns);
      changed->clear();
      break;
    }
    Refuse(&units_[guilty], error.text, now_unix_ns);
    const std::vector<Pem*> from = PemsOf(&present, guilty);
    const std::vector<Pem*> to = PemsOf(&next, guilty);
    for (size_t j = 0; j < to.size(); ++j) to[j]->text = from[j]->text;
    changed->erase(found);
  }
  return false;
}

std::string TlsFiles::Look(int64_t now_unix_ns) {
  std::vector<size_t> touched;
  for (size_t at = 0; at < units_.size(); ++at) {
    if (Touched(&units_[at], now_unix_ns)) touched.push_back(at);
  }
  if (touched.empty()) return "";
  Parts next = Present();
  std::vector<size_t> changed;
  for (const size_t at : touched) {
    if (Read(at, &next, now_unix_ns)) changed.push_back(at);
  }
  if (changed.empty() || !TakeAll(std::move(next), &changed, now_unix_ns)) return "";
  std::string names;
  for (const size_t at : changed) {
    Settle(&units_[at], now_unix_ns / kSecondNs);
    success_->Add();
    for (const File& file : units_[at].files) {
      if (!file.path.empty()) names += (names.empty() ? "" : ", ") + file.path;
    }
  }
  WEIR_LOG(kInfo, "%s: new handshakes use what %s now has", used_by_.c_str(), names.c_str());
  return names;
}

void TlsFiles::Refuse(Unit* unit, const std::string& reason, int64_t now_unix_ns) {
  failure_->Add();
  WEIR_LOG(kError, "%s: %s; what is in use stays in use", used_by_.c_str(), reason.c_str());
  const std::lock_guard lock(mutex_);
  unit->error = reason;
  unit->error_unix_s = now_unix_ns / kSecondNs;
}

void TlsFiles::Settle(Unit* unit, int64_t read_unix_s) {
  unit->tried.clear();
  unit->unread.clear();
  const std::lock_guard lock(mutex_);
  unit->error.clear();
  unit->error_unix_s = 0;
  unit->read_unix_s = read_unix_s;
}

std::vector<TlsSource> TlsFiles::Sources() const {
  Parts parts = Present();
  std::vector<TlsSource> sources;
  const std::lock_guard lock(mutex_);
  for (size_t at = 0; at < units_.size(); ++at) {
    const Pem* pem = PemsOf(&parts, at).front();
    const Unit& unit = units_[at];
    sources.push_back({used_by_, at == certificates_, pem->name, pem->text, unit.error,
                       unit.error_unix_s, unit.read_unix_s});
  }
  return sources;
}

}  // namespace weir::server
