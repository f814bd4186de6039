#include "core/server/top/terminal.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <string>

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace weir::server {
namespace {

constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l\x1b[2J";
constexpr std::string_view kLeave = "\x1b[0m\x1b[?25h\x1b[?1049l";

std::atomic<bool> resized{false};
std::atomic<bool> ended{false};

void OnSignal(int number) {
  (number == SIGWINCH ? resized : ended).store(true);
}

constexpr std::array<int, 4> kSignals = {SIGWINCH, SIGINT, SIGTERM, SIGHUP};

}  // namespace

// The signals are let in during the wait alone, so that none is lost before it.
Terminal::Terminal() {
  sigset_t blocked;
  sigemptyset(&blocked);
  struct sigaction action {};
  action.sa_handler = OnSignal;
  for (const int number : kSignals) {
    sigaddset(&blocked, number);
    sigaction(number, &action, nullptr);
  }
  sigprocmask(SIG_BLOCK, &blocked, &mask_before_);
  if (tcgetattr(STDIN_FILENO, &before_) == 0) {
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    changed_ = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
  }
  Write(kEnter);
}

Terminal::~Terminal() {
  Write(kLeave);
  if (changed_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
}

Terminal::Size Terminal::size() const {
  Size size;
  winsize window{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row > 0 && window.ws_col > 0) {
    size.rows = window.ws_row;
    size.columns = window.ws_col;
  }
  return size;
}

void Terminal::Write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDOUT_FILENO, text.data(), text.size());
    if (written > 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
      return;
    }
  }
}

int Terminal::ReadKey() {
  char keys[16];
  const ssize_t got = read(STDIN_FILENO, keys, sizeof(keys));
  if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) {
    input_ended_ = true;
    return static_cast<int>(Event::kEnd);
  }
  if (got < 0) return static_cast<int>(Event::kNone);
  const std::string_view text(keys, static_cast<size_t>(got));
  if (text[0] != '\x1b') return static_cast<unsigned char>(text[0]);
  const std::string_view rest = text.substr(1);
  if (rest == "[A" || rest == "OA") return static_cast<int>(Event::kUp);
  if (rest == "[B" || rest == "OB") return static_cast<int>(Event::kDown);
  if (rest == "[5~") return static_cast<int>(Event::kPageUp);
  if (rest == "[6~") return static_cast<int>(Event::kPageDown);
  return static_cast<int>(Event::kNone);
}

int Terminal::Wait(std::chrono::milliseconds time) {
  if (ended) return static_cast<int>(Event::kEnd);
  if (resized.exchange(false)) return static_cast<int>(Event::kResize);
  pollfd input{input_ended_ ? -1 : STDIN_FILENO, POLLIN, 0};
  const timespec timeout{time.count() / 1000, time.count() % 1000 * 1'000'000};
  sigset_t open = mask_before_;
  for (const int number : kSignals) sigdelset(&open, number);
  const int ready = ppoll(&input, 1, &timeout, &open);
  if (ended) return static_cast<int>(Event::kEnd);
  if (resized.exchange(false)) return static_cast<int>(Event::kResize);
  return ready > 0 ? ReadKey() : static_cast<int>(Event::kNone);
}

}  // namespace weir::server
