#include "core/server/top/top_view.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/server/top/text_table.h"

namespace weir::server {
namespace {

using nlohmann::json;

// Names come from files and peers: nothing of them may steer the terminal. C1 controls are two
// bytes in UTF-8.
std::string Shown(const std::string& text) {
  std::string shown;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 =
        byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c1) ++i;
    shown += c1 || byte < 0x20 || byte == 0x7f ? '?' : text[i];
  }
  return shown;
}

std::string Text(const json& of, const char* key) {
  const auto found = of.find(key);
  return found != of.end() && found->is_string() ? Shown(found->get<std::string>()) : "";
}

double Value(const json& of, const char* key) {
  const auto found = of.find(key);
  return found != of.end() && found->is_number() ? found->get<double>() : NAN;
}

const json& List(const json& of, const char* key) {
  static const json none = json::array();
  const auto found = of.find(key);
  return found != of.end() && found->is_array() ? *found : none;
}

std::string Printed(const char* format, double value) {
  char text[32];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

// 0.42, 9.1, 87, 1.2k, 3.4M.
std::string Number(double value) {
  if (std::isnan(value)) return "-";
  if (value == 0) return "0";
  if (value < 0.01) return "<0.01";
  if (value < 1) return Printed("%.2f", value);
  if (value < 9.95 && value != std::floor(value)) return Printed("%.1f", value);
  if (value < 999.5) return Printed("%.0f", value);
  if (value < 999.5e3) return Printed(value < 9950 ? "%.1fk" : "%.0fk", value / 1e3);
  if (value < 999.5e6) return Printed(value < 9.95e6 ? "%.1fM" : "%.0fM", value / 1e6);
  return Printed("%.1fG", value / 1e9);
}

std::string Milliseconds(double value) {
  if (std::isnan(value)) return "-";
  return value >= 1000 ? Number(value / 1000) + "s" : Number(value) + "ms";
}

std::string Microseconds(double value) {
  if (std::isnan(value)) return "-";
  return value >= 1000 ? Milliseconds(value / 1000) : Number(value) + "us";
}

std::string Bytes(double value) {
  if (std::isnan(value)) return "-";
  const char* const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t at = 0;
  while (value >= 1024 && at + 1 < std::size(units)) {
    value /= 1024;
    ++at;
  }
  return Printed(value < 10 && at > 0 ? "%.1f " : "%.0f ", value) + units[at];
}

std::string Duration(double seconds) {
  if (!(seconds >= 0 && seconds < 1e12)) return "-";
  const auto s = static_cast<long long>(seconds);
  char text[48];
  if (s >= 86400) {
    std::snprintf(text, sizeof(text), "%lldd%lldh", s / 86400, s / 3600 % 24);
  } else if (s >= 3600) {
    std::snprintf(text, sizeof(text), "%lldh%lldm", s / 3600, s / 60 % 60);
  } else if (s >= 60) {
    std::snprintf(text, sizeof(text), "%lldm%llds", s / 60, s % 60);
  } else {
    std::snprintf(text, sizeof(text), "%llds", s);
  }
  return text;
}

// One column of the samples, the newest last.
std::vector<double> Samples(const json& data, const char* field) {
  std::vector<double> values;
  const auto samples = data.find("samples");
  if (samples == data.end()) return values;
  const json& fields = List(*samples, "fields");
  const auto found = std::find(fields.begin(), fields.end(), field);
  const auto at = static_cast<size_t>(found - fields.begin());
  for (const json& row : List(*samples, "rows")) {
    if (row.is_array() && at < row.size() && row[at].is_number())
      values.push_back(row[at].get<double>());
    else
      values.push_back(NAN);
  }
  return values;
}

double Newest(const std::vector<double>& values) {
  return values.empty() ? NAN : values.back();
}

// The newest values that fit, as blocks of eighths.
std::string Bars(const std::vector<double>& values, size_t width) {
  static const char* const kBlocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const size_t begin = values.size() > width ? values.size() - width : 0;
  double largest = 0;
  for (size_t i = begin; i < values.size(); ++i)
    if (values[i] > largest) largest = values[i];
  std::string bars;
  for (size_t i = begin; i < values.size(); ++i) {
    if (std::isnan(values[i]) || largest == 0) {
      bars += std::isnan(values[i]) ? " " : kBlocks[0];
      continue;
    }
    const auto level = static_cast<size_t>(std::lround(values[i] / largest * 7));
    bars += kBlocks[std::min<size_t>(level, 7)];
  }
  return bars;
}

class Maker {
 public:
  Maker(const json& data, size_t width) : data_(data), width_(width) {}

  std::vector<TopLine> Make() {
    Summary();
    Listeners();
    Clusters();
    Plugins();
    return std::move(lines_);
  }

 private:
  void Add(const std::string& text, TopStyle style = TopStyle::kPlain) {
    lines_.push_back({CutText(text, width_), style});
  }

  void Summary() {
    const json server = data_.value("server", json::object());
    const std::string state = Text(data_, "state");
    Add("weir " + Text(data_, "version") + "  " + state + "  up " +
            Duration(Value(server, "uptime")) + "  workers " + Number(Value(server, "workers")) +
            "  connections " + Number(Value(server, "connections")) + "  memory " +
            Bytes(Value(server, "memory_resident")),
        state == "LIVE" ? TopStyle::kTitle : TopStyle::kAlarm);
    const auto newest = [&](const char* field) { return Newest(Samples(data_, field)); };
    Add("requests/s " + Number(newest("requests")) + "  active " + Number(newest("active")) +
        "  4xx/s " + Number(newest("errors_4xx")) + "  5xx/s " + Number(newest("errors_5xx")) +
        "  p50 " + Milliseconds(newest("p50")) + "  p90 " + Milliseconds(newest("p90")) + "  p99 " +
        Milliseconds(newest("p99")));
    const auto bars = [&](const char* name, const char* field) {
      const std::string text = Bars(Samples(data_, field), width_ - 13);
      if (!text.empty()) Add(name + text);
    };
    bars("requests/s   ", "requests");
    bars("p99          ", "p99");
    bars("5xx/s        ", "errors_5xx");
  }

  // `alarms` are the rows in which something goes wrong.
  void AddTable(const TextTable& table, const std::vector<bool>& alarms) {
    Add("");
    const std::vector<std::string> lines = table.Lines(width_);
    for (size_t i = 0; i < lines.size(); ++i) {
      const bool alarm = i > 0 && alarms[i - 1];
      Add(lines[i], i == 0 ? TopStyle::kHead : alarm ? TopStyle::kAlarm : TopStyle::kPlain);
    }
  }

  void Listeners() {
    TextTable table({{"LISTENER", 0},
                     {"ADDRESS", 3},
                     {"CONN", 1},
                     {"REQ/S", 0},
                     {"ACTIVE", 2},
                     {"4XX/S", 4},
                     {"5XX/S", 0},
                     {"P50", 2},
                     {"P99", 1},
                     {"IN/S", 5},
                     {"OUT/S", 5}});
    std::vector<bool> alarms;
    for (const json& listener : List(data_, "listeners")) {
      const json& chains = List(listener, "chains");
      for (size_t i = 0; i < chains.size(); ++i) {
        const json& chain = chains[i];
        table.Add({i == 0 ? Text(listener, "name") : "  chain " + std::to_string(i + 1),
                   i == 0 ? Text(listener, "address") : "",
                   i == 0 ? Number(Value(listener, "connections")) : "",
                   Number(Value(chain, "requests")), Number(Value(chain, "active")),
                   Number(Value(chain, "errors_4xx")), Number(Value(chain, "errors_5xx")),
                   Milliseconds(Value(chain, "p50")), Milliseconds(Value(chain, "p99")),
                   Bytes(Value(chain, "received")), Bytes(Value(chain, "sent"))});
        alarms.push_back(Value(chain, "errors_5xx") > 0);
      }
    }
    if (table.empty()) return Add("no listener is configured");
    AddTable(table, alarms);
  }

  void Clusters() {
    TextTable table({{"CLUSTER / ENDPOINT", 0},
                     {"STATE", 0},
                     {"CONN", 1},
                     {"REQ/S", 0},
                     {"ACTIVE", 2},
                     {"WAITING", 4},
                     {"5XX/S", 0},
                     {"P50", 2},
                     {"P99", 1},
                     {"FAILED/S", 3},
                     {"RETRIES/S", 4}});
    std::vector<bool> alarms;
    for (const json& cluster : List(data_, "clusters")) {
      const double healthy = Value(cluster, "healthy"), members = Value(cluster, "members");
      const double failed = Value(cluster, "connect_failures") + Value(cluster, "timeouts") +
                            Value(cluster, "resets") + Value(cluster, "overflow");
      table.Add({Text(cluster, "name"), Number(healthy) + "/" + Number(members),
                 Number(Value(cluster, "connections")), Number(Value(cluster, "requests")),
                 Number(Value(cluster, "active")), Number(Value(cluster, "pending")),
                 Number(Value(cluster, "errors_5xx")), Milliseconds(Value(cluster, "p50")),
                 Milliseconds(Value(cluster, "p99")), Number(failed),
                 Number(Value(cluster, "retries"))});
      alarms.push_back(failed > 0 || healthy < members || Value(cluster, "errors_5xx") > 0);
      for (const json& endpoint : List(cluster, "endpoints")) {
        const std::string state = Text(endpoint, "state");
        table.Add({"  " + Text(endpoint, "address"), state, Number(Value(endpoint, "connections")),
                   "", Number(Value(endpoint, "active")), "", "", "", "", "", ""});
        alarms.push_back(state == "unhealthy");
      }
    }
    if (!table.empty()) AddTable(table, alarms);
  }

  void Plugins() {
    std::vector<const json*> ran;
    for (const json& plugin : List(data_, "plugins")) {
      if (Value(plugin, "hooks") > 0 || Value(plugin, "slow_total") > 0) ran.push_back(&plugin);
    }
    std::sort(ran.begin(), ran.end(), [](const json* a, const json* b) {
      const auto order =
          [](const json& of) {  // a number that is not there has no place in an order
            const double busy = Value(of, "busy_us"), hooks = Value(of, "hooks");
            return std::make_pair(std::isnan(busy) ? 0 : busy, std::isnan(hooks) ? 0 : hooks);
          };
      return order(*a) > order(*b);
    });
    TextTable table(
        {{"PLUGIN", 0}, {"HOOKS/S", 1}, {"TIME%", 0}, {"P50", 2}, {"P99", 1}, {"SLOW", 0}});
    std::vector<bool> alarms;
    for (const json* plugin : ran) {
      table.Add({Text(*plugin, "name"), Number(Value(*plugin, "hooks")),
                 Number(Value(*plugin, "busy_us") / 1e4), Microseconds(Value(*plugin, "p50")),
                 Microseconds(Value(*plugin, "p99")), Number(Value(*plugin, "slow_total"))});
      alarms.push_back(Value(*plugin, "slow_total") > 0);
    }
    if (!table.empty()) AddTable(table, alarms);
  }

  const json& data_;
  size_t width_;
  std::vector<TopLine> lines_;
};

const char* Sequence(TopStyle style, bool colour) {
  switch (style) {
    case TopStyle::kPlain:
      return "";
    case TopStyle::kTitle:
      return "\x1b[1m";
    case TopStyle::kHead:
      return "\x1b[7m";
    case TopStyle::kAlarm:
      return colour ? "\x1b[1;31m" : "\x1b[1m";
  }
  return "";
}

bool Continues(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

}  // namespace

size_t TextWidth(std::string_view text) {
  return text.size() - static_cast<size_t>(std::count_if(text.begin(), text.end(), Continues));
}

std::string CutText(std::string_view text, size_t width) {
  size_t at = 0, columns = 0;
  while (at < text.size() && columns < width) {
    ++at;
    while (at < text.size() && Continues(text[at])) ++at;
    ++columns;
  }
  return std::string(text.substr(0, at));
}

std::vector<TopLine> MakeTopLines(std::string_view text, size_t width, std::string* error) {
  const json data = json::parse(text, nullptr, false);
  if (!data.is_object() || !data.contains("samples") || !data.contains("listeners")) {
    *error = "what answers there has no dashboard";
    return {};
  }
  error->clear();
  return Maker(data, std::max<size_t>(width, 40)).Make();
}

std::string PlainText(const std::vector<TopLine>& lines) {
  std::string text;
  for (const TopLine& line : lines) {
    const size_t end = line.text.find_last_not_of(' ');
    text += line.text.substr(0, end == std::string::npos ? 0 : end + 1);
    text += '\n';
  }
  return text;
}

std::string ScreenText(const std::vector<TopLine>& lines, size_t first, size_t rows, size_t width,
                       std::string_view status, bool colour) {
  std::string text = "\x1b[H";
  for (size_t row = 0; row + 1 < rows; ++row) {
    if (first + row < lines.size()) {
      const TopLine& line = lines[first + row];
      const char* style = Sequence(line.style, colour);
      text += style;
      text += CutText(line.text, width);
      if (*style != '\0') text += "\x1b[0m";
    }
    text += "\x1b[K\r\n";
  }
  text += CutText(status, width);
  text += "\x1b[K\x1b[J";
  return text;
}

}  // namespace weir::server
