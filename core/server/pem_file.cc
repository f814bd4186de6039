#include "core/server/pem_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include <sys/stat.h>

namespace weir::server {
namespace {

// Bundles of authorities have a few hundred KiB.
constexpr std::streamsize kMaxPemBytes = 4 << 20;

}  // namespace

std::string ReadPemFile(const std::string& path, std::string* text) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return std::strerror(errno);
  if (S_ISDIR(info.st_mode)) return "it is a directory";
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::strerror(errno);
  std::string read(static_cast<size_t>(kMaxPemBytes) + 1, '\0');
  file.read(read.data(), kMaxPemBytes + 1);
  if (file.bad()) return std::strerror(errno);
  if (file.gcount() > kMaxPemBytes) return "it has more than 4 MiB";
  if (file.gcount() == 0) return "it is empty";
  // No room beyond what it has: texts are kept.
  text->assign(read, 0, static_cast<size_t>(file.gcount()));
  return "";
}

}  // namespace weir::server
