#pragma once

#include <string>

namespace weir::server {

// --pid-file: a line with the process's number, replaced at once under its path. Beside it,
// "PATH.upgrade" tells how the last upgrade went, for `weir upgrade`. Main thread.
class PidFile {
 public:
  explicit PidFile(std::string path) : path_(std::move(path)) {}

  // False with *error. Without a path nothing happens, and all is well.
  bool Write(std::string* error) const;
  // Removes it, unless another process has written its number meanwhile.
  void Remove() const;
  // How an upgrade went: an empty text when all is well.
  void WriteOutcome(long successor, const std::string& failure) const;

 private:
  std::string path_;
};

// `weir upgrade --pid-file PATH`: asks the process of that file to start its successor, waits until
// it serves or has failed, and prints which. The program's exit code.
int RunUpgradeCommand(const std::string& pid_file);

}  // namespace weir::server
