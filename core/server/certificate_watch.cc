#include "core/server/certificate_watch.h"

#include <chrono>
#include <iterator>
#include <mutex>
#include <utility>

namespace weir::server {
namespace {

constexpr uint64_t kLookMs = 1000;

std::mutex shared_mutex;
std::vector<std::shared_ptr<TlsFiles>> present;  // guarded by it

void SetPresent(std::vector<std::shared_ptr<TlsFiles>> files) {
  const std::lock_guard lock(shared_mutex);
  present.swap(files);
}

}  // namespace

CertificateWatch::~CertificateWatch() {
  SetPresent({});
}

void CertificateWatch::Follow(const ServerContext& context, const ListenerSet& listeners) {
  files_.clear();
  for (const auto& spec : listeners.specs()) {
    if (spec->tls != nullptr) files_.push_back(spec->tls);
  }
  if (context.cluster_tls != nullptr) {
    for (const auto& files : context.cluster_tls->files) {
      if (files != nullptr) files_.push_back(files);
    }
  }
  SetPresent(files_);
}

void CertificateWatch::Tend(uint64_t now_ms) {
  if (now_ms < next_ms_) return;
  next_ms_ = now_ms + kLookMs;
  Look();
}

std::vector<std::string> CertificateWatch::Look() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const int64_t now_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
  std::vector<std::string> taken;
  for (const auto& files : files_) {
    const std::string names = files->Look(now_ns);
    if (!names.empty()) taken.push_back(files->used_by() + ": read again: " + names);
  }
  return taken;
}

std::vector<TlsSource> CertificateWatch::Present() {
  std::vector<std::shared_ptr<TlsFiles>> files;
  {
    const std::lock_guard lock(shared_mutex);
    files = present;
  }
  std::vector<TlsSource> all;
  for (const auto& one : files) {
    std::vector<TlsSource> sources = one->Sources();
    std::move(sources.begin(), sources.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace weir::server
