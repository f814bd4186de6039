#include "core/server/upgrade.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weir::server {
namespace {

constexpr char kServing[] = "serving";
constexpr size_t kMaxText = 65536;

int report_fd = -1;

std::string Absolute(const std::string& path) {
  if (path.empty() || path[0] == '/') return path;
  char directory[PATH_MAX];
  return getcwd(directory, sizeof(directory)) == nullptr ? path
                                                         : std::string(directory) + "/" + path;
}

// As the shell found it: the name stays one that can be replaced, where a link to the file of the
// process would point at what was replaced.
std::string FileOf(const std::string& name) {
  if (name.find('/') != std::string::npos) return Absolute(name);
  const char* variable = getenv("PATH");
  std::string path = variable == nullptr ? "" : variable;
  while (!name.empty() && !path.empty()) {
    const size_t end = std::min(path.find(':'), path.size());
    std::string file = Absolute(path.substr(0, end) + "/" + name);
    if (access(file.c_str(), X_OK) == 0) return file;
    path.erase(0, end + 1);
  }
  char file[PATH_MAX];
  const ssize_t size = readlink("/proc/self/exe", file, sizeof(file));
  return size <= 0 ? name : std::string(file, static_cast<size_t>(size));
}

// The environment of this process, without what is for it alone.
std::vector<std::string> Environment(const std::vector<InheritedSocket>& sockets, int pipe) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    // systemd's watchdog is for whoever is the main process.
    if (std::strncmp(*variable, "WATCHDOG_PID=", 13) != 0) variables.emplace_back(*variable);
  }
  variables.push_back("WEIR_LISTEN_FDS=" + ListenVariable(sockets));
  variables.push_back("WEIR_UPGRADE_FD=" + std::to_string(pipe));
  return variables;
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// 0 or an error number. Threads are no obstacle: the child shares this process's memory only until
// it runs the file, and the C library takes care of its signals.
int Spawn(const ProgramCommand& command, const std::vector<InheritedSocket>& sockets, int pipe,
          pid_t* pid) {
  const std::vector<std::string> environment = Environment(sockets, pipe);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // Onto itself: that takes close-on-exec away, in the child alone.
  int error = posix_spawn_file_actions_adddup2(&actions, pipe, pipe);
  for (const InheritedSocket& socket : sockets) {
    if (error == 0) error = posix_spawn_file_actions_adddup2(&actions, socket.fd, socket.fd);
  }
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  sigaddset(&signals, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  if (error == 0) {
    error = posix_spawn(pid, command.file.c_str(), &actions, &attributes,
                        Pointers(command.arguments).data(), Pointers(environment).data());
  }
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

}  // namespace

ProgramCommand ProgramCommand::Of(int argc, const char* const* argv) {
  ProgramCommand command;
  command.arguments.assign(argv, argv + argc);
  command.file = FileOf(argc > 0 ? argv[0] : "");
  return command;
}

Upgrade::Upgrade(net::EventLoop* loop, std::function<void(const std::string&)> done)
    : loop_(loop), done_(std::move(done)), event_(nullptr, &event_free) {}

Upgrade::~Upgrade() {
  Abort();
}

bool Upgrade::Start(const ProgramCommand& command, const std::vector<InheritedSocket>& sockets,
                    std::string* error) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    *error = std::string("cannot make a pipe: ") + std::strerror(errno);
    return false;
  }
  const int failure = Spawn(command, sockets, ends[1], &pid_);
  close(ends[1]);
  if (failure != 0) {
    close(ends[0]);
    *error = "cannot run " + command.file + ": " + std::strerror(failure);
    return false;
  }
  pipe_ = ends[0];
  text_.clear();
  until_ms_ = net::EventLoop::MonotonicMs() + kPatienceMs;
  event_.reset(event_new(loop_->base(), pipe_, EV_READ | EV_PERSIST, &Upgrade::OnReadable, this));
  event_add(event_.get(), nullptr);
  return true;
}

void Upgrade::OnReadable(int, short, void* self) {
  auto* upgrade = static_cast<Upgrade*>(self);
  upgrade->loop_->BeginDispatch();
  upgrade->OnText();
}

void Upgrade::OnText() {
  char room[4096];
  ssize_t size;
  while ((size = read(pipe_, room, sizeof(room))) > 0) {
    if (text_.size() < kMaxText) text_.append(room, static_cast<size_t>(size));
  }
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  Close();
  if (text_ == kServing) {
    done_("");
    return;
  }
  const std::string end = Reap(true);
  done_(text_.empty() ? end : end + ": " + text_);
}

void Upgrade::Tend() {
  if (!running() || net::EventLoop::MonotonicMs() < until_ms_) return;
  Close();
  Reap(true);
  done_("it did not serve within " + std::to_string(kPatienceMs / 1000) + " s");
}

void Upgrade::Abort() {
  if (!running()) return;
  Close();
  Reap(true);
}

void Upgrade::Close() {
  event_.reset();
  close(pipe_);
  pipe_ = -1;
}

std::string Upgrade::Reap(bool kill) {
  int status = 0;
  // It closes the pipe when it ends; its end may take a moment longer.
  for (int i = 0; i < 100; ++i) {
    const pid_t ended = waitpid(pid_, &status, WNOHANG);
    if (ended == pid_ || (ended < 0 && errno != EINTR)) {
      kill = false;
      break;
    }
    usleep(1000);
  }
  if (kill) {
    ::kill(pid_, SIGKILL);
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
    // Who was ending already has an end of its own.
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return "it did not say that it serves";
  }
  if (WIFSIGNALED(status)) return "it was ended by signal " + std::to_string(WTERMSIG(status));
  return "it ended with exit code " + std::to_string(WEXITSTATUS(status));
}

void UpgradeReport::FromEnvironment() {
  const char* variable = getenv("WEIR_UPGRADE_FD");
  if (variable == nullptr) return;
  char* end = nullptr;
  const long fd = std::strtol(variable, &end, 10);
  if (end != variable && *end == '\0' && fd > 2 && fd < INT_MAX &&
      fcntl(static_cast<int>(fd), F_SETFD, FD_CLOEXEC) == 0)
    report_fd = static_cast<int>(fd);
  unsetenv("WEIR_UPGRADE_FD");
}

bool UpgradeReport::pending() {
  return report_fd >= 0;
}

void UpgradeReport::Serving() {
  Failed(kServing);
}

void UpgradeReport::Failed(const std::string& reason) {
  if (report_fd < 0) return;
  // What does not fit into the pipe is left away. Where nobody reads any more nobody waits.
  const std::string text = reason.substr(0, kMaxText - 1);
  if (write(report_fd, text.data(), text.size()) < 0) errno = 0;
  close(report_fd);
  report_fd = -1;
}

}  // namespace weir::server
