#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/base/latest.h"
#include "core/config/tls_config.h"
#include "core/net/tls/tls_options.h"
#include "core/observe/stats.h"
#include "core/server/file_identity.h"

namespace weir::server {

// Where certificates of a TLS context come from, and what came of reading them again.
struct TlsSource {
  std::string used_by;  // "listener web", "cluster app"
  bool authority = false;
  std::string path;   // "inline_string" where the configuration holds it
  std::string pem;    // the certificates that new handshakes use; a key may stand in there too
  std::string error;  // why what the file holds now is not used; empty: it is, or has not changed
  int64_t error_unix_s = 0;
  int64_t read_unix_s = 0;  // when what is used was read
};

// What a listener's or a cluster's TLS is made of, and the files that it comes from: a certificate
// with its key is read and taken as a pair, so are the authorities by themselves. What cannot be
// used changes nothing, is said once, and is tried again when a file of the pair changes again.
//
//   in use <--a file has changed, and all fits-- in use, newer
//   in use <--a file has changed, and does not fit-- in use as before, error() says why
//
// Workers make their contexts of the options, each in its own time, when number() has changed
// (TlsFilesOf). Counters of the scope, <listener|cluster>.<name>.ssl.: cert_reload_success and
// cert_reload_failure, one for each pair. No message holds what is in a file.
class TlsFiles {
 public:
  virtual ~TlsFiles() = default;
  TlsFiles(const TlsFiles&) = delete;
  TlsFiles& operator=(const TlsFiles&) = delete;

  const std::string& used_by() const { return used_by_; }
  // Reads what has changed. The files that were taken, in words; empty: nothing differs. Main
  // thread.
  std::string Look(int64_t now_unix_ns);
  // Any thread.
  std::vector<TlsSource> Sources() const;

 protected:
  // What of the options comes from files.
  struct Parts {
    std::vector<net::tls::CertificateSource> certificates;
    net::tls::Pem trusted_ca;
  };

  // scope: "listener" or "cluster". Before the files are read for the first time: what changes from
  // now on is a change.
  TlsFiles(const std::string& scope, const std::string& name, const config::TlsContext& tls,
           observe::StatRegistry* stats);

  virtual Parts Present() const = 0;
  // New handshakes use these from now on, if OpenSSL can; false: *error. Only the certificates
  // whose index is in `changed` are tried.
  virtual bool Take(Parts parts, const std::vector<size_t>& changed, net::tls::TlsError* error) = 0;

 private:
  struct File {
    std::string path;  // empty: it is part of the configuration
    FileIdentity identity;
    bool may_still_change = false;
  };
  // A certificate and its key, or the authorities.
  struct Unit {
    std::vector<File> files;
    // What was read last, where it differs from what is in use; and why it could not be read.
    std::vector<std::string> tried;
    std::string unread;
    std::string error;  // guarded by mutex_, like what follows
    int64_t error_unix_s = 0;
    int64_t read_unix_s = 0;
  };

  std::vector<net::tls::Pem*> PemsOf(Parts* parts, size_t unit) const;
  bool Touched(Unit* unit, int64_t now_unix_ns) const;
  bool Read(size_t at, Parts* parts, int64_t now_unix_ns);
  bool TakeAll(Parts next, std::vector<size_t>* changed, int64_t now_unix_ns);
  void Refuse(Unit* unit, const std::string& reason, int64_t now_unix_ns);
  void Settle(Unit* unit, int64_t read_unix_s);

  const std::string used_by_;
  size_t certificates_ = 0;
  std::vector<Unit> units_;  // the certificates, then the authorities, where there are any
  observe::Cell* success_;
  observe::Cell* failure_;
  mutable std::mutex mutex_;
};

// The same with the options that contexts are made of.
template <class Options>
class TlsFilesOf final : public TlsFiles {
 public:
  // Tries whether OpenSSL takes the options; false: *error.
  using Try = bool (*)(const Options& options, net::tls::TlsError* error);

  TlsFilesOf(const std::string& scope, const std::string& name, const config::TlsContext& tls,
             observe::StatRegistry* stats, Try attempt)
      : TlsFiles(scope, name, tls, stats), try_(attempt) {}

  // The first ones, which were tried. Before any worker sees it.
  void Begin(std::shared_ptr<const Options> options) { latest_.Set(std::move(options)); }

  // Any thread.
  uint64_t number() const { return latest_.number(); }
  std::shared_ptr<const Options> Get(uint64_t* number = nullptr) const {
    return latest_.Get(number);
  }

 private:
  Parts Present() const override {
    const std::shared_ptr<const Options> options = latest_.Get();
    return {options->certificates, options->trusted_ca};
  }
  bool Take(Parts parts, const std::vector<size_t>& changed, net::tls::TlsError* error) override {
    auto next = std::make_shared<Options>(*latest_.Get());
    next->trusted_ca = std::move(parts.trusted_ca);
    // Which of a listener's many certificates has changed must not cost what all of them do.
    std::vector<size_t> tried;
    for (size_t i = 0; i < parts.certificates.size(); ++i) {
      if (std::find(changed.begin(), changed.end(), i) != changed.end()) tried.push_back(i);
    }
    if (tried.empty() && !parts.certificates.empty()) tried.push_back(0);
    next->certificates.clear();
    for (const size_t i : tried) next->certificates.push_back(parts.certificates[i]);
    if (!try_(*next, error)) {
      if (error->certificate < tried.size()) error->certificate = tried[error->certificate];
      return false;
    }
    next->certificates = std::move(parts.certificates);
    latest_.Set(std::move(next));
    return true;
  }

  Try try_;
  base::Latest<Options> latest_{nullptr};
};

using ServerTlsFiles = TlsFilesOf<net::tls::ServerTlsOptions>;
using ClientTlsFiles = TlsFilesOf<net::tls::ClientTlsOptions>;

}  // namespace weir::server
