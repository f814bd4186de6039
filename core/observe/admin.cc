#include "core/observe/admin.h"

#include <algorithm>
#include <memory>
#include <optional>

#include <re2/re2.h>

namespace weir::observe {
namespace {

constexpr size_t kMaxFilter = 1024;
constexpr int64_t kMaxFilterMemory = 1 << 20;

constexpr std::string_view kHelp =
    "Weir's admin pages:\n"
    "  /        this text (also /help)\n"
    "  /ready   200 LIVE; 503 with INITIALIZING or DRAINING while new work should go elsewhere\n"
    "  /stats   every counter, gauge and histogram, \"name: value\" a line\n"
    "           ?usedonly       without those that are 0\n"
    "           ?filter=REGEX   those with a name that has a match (RE2)\n";

AdminReply Answer(uint32_t status, std::string body) {
  AdminReply reply;
  reply.status = status;
  reply.body = std::move(body);
  return reply;
}

// Parts of a query for messages: nothing in them may steer a terminal.
std::string Shown(std::string_view text) {
  std::string shown(text.substr(0, 100));
  for (char& c : shown) {
    if (static_cast<uint8_t>(c) < 0x20 || static_cast<uint8_t>(c) >= 0x7f) c = '?';
  }
  return shown;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// RFC 3986 §2.1; none when a % is not followed by two hexadecimal digits. A + stays one: it means
// something in a filter.
std::optional<std::string> PercentDecoded(std::string_view text) {
  std::string decoded;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      decoded += text[at];
      continue;
    }
    if (text.size() - at < 3) return std::nullopt;
    const int high = HexDigit(text[at + 1]);
    const int low = HexDigit(text[at + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return decoded;
}

// What /stats was asked to show.
class StatsQuery {
 public:
  // Empty: the query is good; else what is wrong with it.
  std::string Parse(std::string_view query) {
    while (!query.empty()) {
      const size_t end = std::min(query.find('&'), query.size());
      const std::string_view parameter = query.substr(0, end);
      query.remove_prefix(std::min(end + 1, query.size()));
      std::string error = Take(parameter);
      if (!error.empty()) return error;
    }
    return "";
  }

  bool Keeps(const std::string& name, uint64_t value) const {
    if (used_only_ && value == 0) return false;
    return filter_ == nullptr || RE2::PartialMatch(name, *filter_);
  }

 private:
  std::string Take(std::string_view parameter) {
    const size_t equals = parameter.find('=');
    const std::string_view name = parameter.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : parameter.substr(equals + 1);
    if (name == "filter") return TakeFilter(value);
    if (name == "usedonly" && value.empty()) {
      used_only_ = true;
      return "";
    }
    if (name == "format" && value == "text") return "";
    if (parameter.empty()) return "";
    return "not known: " + Shown(parameter) + "; usedonly and filter=REGEX are\n";
  }

  std::string TakeFilter(std::string_view value) {
    const std::optional<std::string> pattern = PercentDecoded(value);
    if (!pattern) return "filter: a % without two hexadecimal digits\n";
    if (pattern->size() > kMaxFilter) return "filter: longer than 1024 bytes\n";
    RE2::Options options;
    options.set_encoding(RE2::Options::EncodingLatin1);
    options.set_max_mem(kMaxFilterMemory);
    options.set_log_errors(false);
    filter_ = std::make_unique<RE2>(*pattern, options);
    return filter_->ok() ? "" : "filter: " + Shown(filter_->error()) + "\n";
  }

  bool used_only_ = false;
  std::unique_ptr<RE2> filter_;
};

AdminReply Ready(const AdminView& view) {
  switch (view.state) {
    case ServerState::kLive:
      return Answer(200, "LIVE\n");
    case ServerState::kDraining:
      return Answer(503, "DRAINING\n");
    case ServerState::kInitializing:
      break;
  }
  return Answer(503, "INITIALIZING\n");
}

AdminReply Stats(std::string_view query, const AdminView& view) {
  StatsQuery wanted;
  std::string error = wanted.Parse(query);
  if (!error.empty()) return Answer(400, std::move(error));
  AdminReply reply;
  reply.body = StatsText(*view.stats, [&wanted](const std::string& name, uint64_t value) {
    return wanted.Keeps(name, value);
  });
  return reply;
}

}  // namespace

AdminReply AnswerAdmin(std::string_view method, std::string_view target, const AdminView& view) {
  const size_t mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  const std::string_view query =
      mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  const bool help = path == "/" || path == "/help";
  if (!help && path != "/ready" && path != "/stats") {
    return Answer(404, "no such page\n\n" + std::string(kHelp));
  }
  if (method != "GET" && method != "HEAD") {
    AdminReply reply = Answer(405, "this page answers GET and HEAD\n");
    reply.allow = "GET, HEAD";
    return reply;
  }
  if (help) return Answer(200, std::string(kHelp));
  return path == "/ready" ? Ready(view) : Stats(query, view);
}

}  // namespace weir::observe
