#pragma once

#include <chrono>
#include <string>

namespace weir::server {

// `weir top`: the dashboard of a running process, in a terminal.
struct TopOptions {
  std::string url = "http://127.0.0.1:9901";  // of the admin listener; also unix:/path
  std::string token_file;                     // empty: no token
  bool once = false;                          // print one table and end
  std::chrono::milliseconds interval{2000};   // between two looks
};

// Runs until q, SIGINT or SIGTERM. Where standard output is no terminal it is as with `once`.
// Returns the program's exit code.
int RunTop(const TopOptions& options);

}  // namespace weir::server
