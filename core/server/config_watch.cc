#include "core/server/config_watch.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <deque>
#include <filesystem>
#include <utility>

#include <event2/event.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/server/fingerprint.h"

namespace weir::server {
namespace {

constexpr int kMostLinks = 40;  // the kernel's bound
// IN_ATTRIB: who writes a file may give it its owner and its mode afterwards.
constexpr uint32_t kEvents = IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                             IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;

void PutInFront(const std::filesystem::path& path, std::deque<std::string>* parts) {
  std::vector<std::string> more;
  for (const auto& part : path) {
    if (part != "/" && !part.empty()) more.push_back(part.string());
  }
  parts->insert(parts->begin(), more.begin(), more.end());
}

}  // namespace

std::vector<std::string> DirectoriesOf(const std::string& path) {
  std::vector<std::string> directories;
  const auto add = [&](const std::filesystem::path& directory) {
    if (std::find(directories.begin(), directories.end(), directory.string()) == directories.end())
      directories.push_back(directory.string());
  };
  std::error_code failed;
  std::deque<std::string> parts;
  PutInFront(std::filesystem::absolute(path, failed), &parts);
  std::filesystem::path at = "/";
  for (int links = 0; !parts.empty() && links <= kMostLinks;) {
    const std::string part = std::exchange(parts.front(), {});
    parts.pop_front();
    if (part == ".") continue;
    if (part == "..") {
      at = at.parent_path();
      continue;
    }
    const std::filesystem::path here = at / part;
    const auto status = std::filesystem::symlink_status(here, failed);
    const bool link = std::filesystem::is_symlink(status);
    if (link || parts.empty() || !std::filesystem::exists(status)) add(at);
    if (!std::filesystem::exists(status)) break;
    if (!link) {
      at = here;
      continue;
    }
    const std::filesystem::path target = std::filesystem::read_symlink(here, failed);
    if (failed) break;
    ++links;
    if (target.is_absolute()) at = "/";
    PutInFront(target, &parts);
  }
  return directories;
}

ConfigWatch::ConfigWatch(net::EventLoop* loop, std::string path, std::string seen,
                         std::function<void()> changed)
    : loop_(loop),
      path_(std::move(path)),
      seen_(std::move(seen)),
      changed_(std::move(changed)),
      event_(nullptr, &event_free) {}

ConfigWatch::~ConfigWatch() {
  loop_->reactor()->SetDeadline(this, 0);
  Close();
}

void ConfigWatch::Close() {
  event_.reset();
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

// Begins anew each time: links may lead elsewhere now, and directories be others of the same name.
// The content is looked at afterwards, so that nothing is missed between.
bool ConfigWatch::Open(std::string* error) {
  Close();
  fd_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  bool any = false;
  for (const std::string& directory : DirectoriesOf(path_))
    any = inotify_add_watch(fd_, directory.c_str(), kEvents) >= 0 || any;
  if (fd_ < 0 || !any) {
    *error = "cannot watch " + path_ + ": " + std::strerror(errno);
    return false;
  }
  event_.reset(event_new(loop_->base(), fd_, EV_READ | EV_PERSIST, &ConfigWatch::OnReadable, this));
  event_add(event_.get(), nullptr);
  return true;
}

bool ConfigWatch::Start(std::string* error) {
  if (!Open(error)) return false;
  loop_->reactor()->SetDeadline(this, loop_->now_ms() + kSettleMs);
  return true;
}

void ConfigWatch::OnReadable(int fd, short, void* self) {
  auto* watch = static_cast<ConfigWatch*>(self);
  watch->loop_->BeginDispatch();
  alignas(inotify_event) char room[4096];
  while (read(fd, room, sizeof(room)) > 0) {
  }
  const uint64_t now = watch->loop_->now_ms();
  if (watch->unsettled_ms_ == 0) watch->unsettled_ms_ = now;
  // Where something happens all the time the file's turn comes too: a deadline that was set anew
  // with each event would be put off with each.
  const uint64_t due = std::min(now + kSettleMs, watch->unsettled_ms_ + kMostSettleMs);
  if (watch->deadline() != due) watch->loop_->reactor()->SetDeadline(watch, due);
}

void ConfigWatch::OnDeadline() {
  unsettled_ms_ = 0;
  std::string error;
  if (!Open(&error)) {
    WEIR_LOG_EVERY_SECOND(kWarn, "--watch: %s", error.c_str());
    loop_->reactor()->SetDeadline(this, loop_->now_ms() + kRetryMs);
    return;
  }
  const std::string now = FingerprintOfFile(path_);
  if (access(path_.c_str(), R_OK) != 0) {
    if (errno != ENOENT)
      WEIR_LOG(kWarn, "--watch: %s cannot be read: %s", path_.c_str(), std::strerror(errno));
    return;
  }
  if (now == seen_) return;
  seen_ = now;
  WEIR_LOG(kInfo, "--watch: %s has changed", path_.c_str());
  changed_();
}

}  // namespace weir::server
