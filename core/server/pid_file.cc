#include "core/server/pid_file.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include <signal.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/server/options.h"
#include "core/server/upgrade.h"

namespace weir::server {
namespace {

constexpr useconds_t kLookUs = 10'000;
// A process gives its successor kPatienceMs; what asks it waits a little longer.
constexpr uint64_t kWaitMs = Upgrade::kPatienceMs + 10'000;

bool Replace(const std::string& path, const std::string& text) {
  const std::string unfinished = path + ".new";
  std::FILE* file = std::fopen(unfinished.c_str(), "we");
  if (file == nullptr) return false;
  bool ok = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  ok = std::fclose(file) == 0 && ok;
  return ok && std::rename(unfinished.c_str(), path.c_str()) == 0;
}

bool ReadAll(const std::string& path, std::string* text) {
  std::ifstream file(path);
  std::ostringstream all;
  all << file.rdbuf();
  *text = all.str();
  return file.good();
}

// 0: there is none in it.
pid_t PidIn(const std::string& path) {
  std::string text;
  if (!ReadAll(path, &text)) return 0;
  char* end = nullptr;
  const long pid = std::strtol(text.c_str(), &end, 10);
  return end != text.c_str() && *end == '\n' && pid > 0 ? static_cast<pid_t>(pid) : 0;
}

// Whether SIGUSR2 would not just end it: the number may be another program's by now.
bool Understands(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("SigBlk:", 0) != 0) continue;
    return (std::strtoull(line.c_str() + 7, nullptr, 16) >> (SIGUSR2 - 1) & 1) != 0;
  }
  return false;
}

int Fail(const std::string& why) {
  std::fprintf(stderr, "weir: upgrade: %s\n", why.c_str());
  return kExitConfig;
}

}  // namespace

bool PidFile::Write(std::string* error) const {
  if (path_.empty() || Replace(path_, std::to_string(getpid()) + "\n")) return true;
  *error = "cannot write " + path_ + ": " + std::strerror(errno);
  return false;
}

void PidFile::Remove() const {
  if (!path_.empty() && PidIn(path_) == getpid()) unlink(path_.c_str());
}

void PidFile::WriteOutcome(long successor, const std::string& failure) const {
  if (path_.empty()) return;
  const std::string text =
      failure.empty() ? "done " + std::to_string(successor) + "\n" : "failed " + failure + "\n";
  if (!Replace(path_ + ".upgrade", text))
    WEIR_LOG(kWarn, "cannot write %s.upgrade: %s", path_.c_str(), std::strerror(errno));
}

int RunUpgradeCommand(const std::string& pid_file) {
  const std::string outcome = pid_file + ".upgrade";
  const pid_t pid = PidIn(pid_file);
  if (pid == 0) return Fail("no process's number is in " + pid_file);
  if (!Understands(pid))
    return Fail("process " + std::to_string(pid) + " of " + pid_file + " is no running Weir");
  if (unlink(outcome.c_str()) != 0 && errno != ENOENT)
    return Fail("cannot remove " + outcome + ": " + std::strerror(errno));
  if (kill(pid, SIGUSR2) != 0)
    return Fail("cannot signal process " + std::to_string(pid) + ": " + std::strerror(errno));
  for (const uint64_t end = net::EventLoop::MonotonicMs() + kWaitMs;
       net::EventLoop::MonotonicMs() < end; usleep(kLookUs)) {
    std::string text;
    if (ReadAll(outcome, &text) && !text.empty()) {
      text.pop_back();
      unlink(outcome.c_str());
      if (text.rfind("done ", 0) != 0) return Fail(text);
      std::printf("process %s serves, process %ld drains\n", text.c_str() + 5,
                  static_cast<long>(pid));
      return kExitOk;
    }
    if (kill(pid, 0) != 0 && errno == ESRCH)
      return Fail("process " + std::to_string(pid) + " has ended");
  }
  return Fail("process " + std::to_string(pid) + " does not answer");
}

}  // namespace weir::server
