#include "core/server/top/top.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <unistd.h>

#include "core/server/top/admin_client.h"
#include "core/server/top/terminal.h"
#include "core/server/top/top_view.h"

namespace weir::server {
namespace {

constexpr std::chrono::milliseconds kTimeout{5000};
constexpr size_t kPlainWidth = 160;
constexpr int kExitFailed = 1;
constexpr int kExitWrongUse = 2;

bool ReadToken(const std::string& path, std::string* token) {
  std::ifstream file(path);
  if (!file) return false;
  token->assign(std::istreambuf_iterator<char>(file), {});
  const size_t end = token->find_last_not_of(" \t\r\n");
  token->resize(end == std::string::npos ? 0 : end + 1);
  // It becomes a field's value.
  return std::none_of(token->begin(), token->end(),
                      [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; });
}

// One look: the lines, or why there are none.
struct Look {
  std::vector<TopLine> lines;
  std::string error;
};

class Top {
 public:
  Top(AdminUrl url, std::string token, std::chrono::milliseconds interval)
      : url_(std::move(url)), token_(std::move(token)), interval_(interval) {}

  Look Take(size_t width) const {
    const AdminAnswer answer = AskAdmin(url_, "/dashboard.json", token_, kTimeout);
    Look look;
    look.error = answer.error;
    if (answer.status == 401 || answer.status == 403) {
      look.error =
          token_.empty() ? "it asks for a token: give --token-file" : "it refuses the token";
    } else if (answer.status != 0 && answer.status != 200) {
      look.error = "it answers " + std::to_string(answer.status) + " to /dashboard.json";
    } else if (look.error.empty()) {
      look.lines = MakeTopLines(answer.body, width, &look.error);
    }
    return look;
  }

  int Once() const {
    const Look look = Take(kPlainWidth);
    if (look.error.empty()) {
      std::fputs(PlainText(look.lines).c_str(), stdout);
      return 0;
    }
    std::fprintf(stderr, "weir top: %s: %s\n", Where().c_str(), look.error.c_str());
    return kExitFailed;
  }

  int Live() {
    Terminal terminal;
    auto next = std::chrono::steady_clock::now();
    size_t columns = 0;
    for (;;) {
      const auto now = std::chrono::steady_clock::now();
      const bool resized = columns != 0 && columns != terminal.size().columns;
      columns = terminal.size().columns;
      if (now >= next || (resized && !paused_)) {
        if (!paused_) Renew(columns);
        next = std::chrono::steady_clock::now() + interval_;
      }
      Draw(&terminal);
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          next - std::chrono::steady_clock::now());
      const int key = terminal.Wait(std::max(left, std::chrono::milliseconds(1)));
      if (key == 'q' || key == 'Q' || key == static_cast<int>(Terminal::Event::kEnd)) return 0;
      TakeKey(key, terminal.size().rows);
    }
  }

 private:
  std::string Where() const { return url_.host.empty() ? "unix:" + url_.path : url_.authority; }

  void Renew(size_t columns) {
    Look look = Take(columns);
    failed_ = look.error;
    // What was seen last stays, below the reason why it is not new.
    if (failed_.empty()) lines_ = std::move(look.lines);
  }

  void Draw(Terminal* terminal) {
    const Terminal::Size size = terminal->size();
    const size_t shown = size.rows > 1 ? size.rows - 1 : 1;
    first_ = std::min(first_, lines_.size() > shown ? lines_.size() - shown : 0);
    std::string status = "q quits  p pauses  arrows scroll  " + Where();
    if (paused_) status = "PAUSED  " + status;
    if (!failed_.empty()) status = "NO ANSWER: " + failed_ + "  " + status;
    static const bool colour = std::getenv("NO_COLOR") == nullptr;
    terminal->Write(ScreenText(lines_, first_, size.rows, size.columns, status, colour));
  }

  void TakeKey(int key, size_t rows) {
    const size_t page = rows > 2 ? rows - 2 : 1;
    if (key == 'p' || key == 'P' || key == ' ') paused_ = !paused_;
    if (key == static_cast<int>(Terminal::Event::kDown) || key == 'j') ++first_;
    if (key == static_cast<int>(Terminal::Event::kPageDown)) first_ += page;
    if (key == static_cast<int>(Terminal::Event::kUp) || key == 'k') first_ -= first_ > 0 ? 1 : 0;
    if (key == static_cast<int>(Terminal::Event::kPageUp)) first_ -= std::min(first_, page);
  }

  AdminUrl url_;
  std::string token_;
  std::chrono::milliseconds interval_;
  std::vector<TopLine> lines_;
  std::string failed_;
  size_t first_ = 0;  // line at the top of the screen
  bool paused_ = false;
};

}  // namespace

int RunTop(const TopOptions& options) {
  std::string error;
  const std::optional<AdminUrl> url = ParseAdminUrl(options.url, &error);
  if (!url) {
    std::fprintf(stderr, "weir: --url: \"%s\": %s\n", options.url.c_str(), error.c_str());
    return kExitWrongUse;
  }
  std::string token;
  if (!options.token_file.empty() && !ReadToken(options.token_file, &token)) {
    std::fprintf(stderr, "weir: --token-file: %s holds no token that can be read\n",
                 options.token_file.c_str());
    return kExitWrongUse;
  }
  Top top(*url, std::move(token), options.interval);
  const bool screen = isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
  return options.once || !screen ? top.Once() : top.Live();
}

}  // namespace weir::server
