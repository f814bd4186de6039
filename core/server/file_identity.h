#pragma once

#include <cstdint>
#include <string>

namespace weir::server {

// What the file system says of the file that a path leads to, through whatever links: another file
// under the same path, by a rename or by a link that was swapped anywhere on the way, and other
// bytes in the same file both make another identity. No watch is held, so none can be lost or run
// out. What is no regular file (a pipe, a directory, nothing) has one identity.
class FileIdentity {
 public:
  FileIdentity() = default;
  static FileIdentity Of(const std::string& path);

  bool regular() const { return regular_; }
  // Its times tell no two writes apart that come in one tick of the file system's clock; it was
  // written so shortly ago that another one may have come unseen.
  bool MayStillChange(int64_t now_unix_ns) const;

  friend bool operator==(const FileIdentity& a, const FileIdentity& b) {
    return a.regular_ == b.regular_ && a.device_ == b.device_ && a.inode_ == b.inode_ &&
           a.size_ == b.size_ && a.modified_ns_ == b.modified_ns_ && a.changed_ns_ == b.changed_ns_;
  }
  friend bool operator!=(const FileIdentity& a, const FileIdentity& b) { return !(a == b); }

 private:
  bool regular_ = false;
  uint64_t device_ = 0;
  uint64_t inode_ = 0;
  int64_t size_ = 0;
  int64_t modified_ns_ = 0;
  int64_t changed_ns_ = 0;
};

}  // namespace weir::server
