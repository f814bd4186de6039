#include "core/server/file_identity.h"

#include <sys/stat.h>

namespace weir::server {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
// Some file systems keep whole seconds, and FAT pairs of them.
constexpr int64_t kCoarsestClockNs = 2 * kSecondNs;

int64_t Nanoseconds(const timespec& time) {
  return static_cast<int64_t>(time.tv_sec) * kSecondNs + time.tv_nsec;
}

}  // namespace

FileIdentity FileIdentity::Of(const std::string& path) {
  FileIdentity identity;
  struct stat status;
  if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return identity;
  identity.regular_ = true;
  identity.device_ = status.st_dev;
  identity.inode_ = status.st_ino;
  identity.size_ = status.st_size;
  identity.modified_ns_ = Nanoseconds(status.st_mtim);
  identity.changed_ns_ = Nanoseconds(status.st_ctim);
  return identity;
}

bool FileIdentity::MayStillChange(int64_t now_unix_ns) const {
  return regular_ && changed_ns_ + kCoarsestClockNs > now_unix_ns;
}

}  // namespace weir::server
