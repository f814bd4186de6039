#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/admin/json_writer.h"
#include "core/admin/pages.h"
#include "core/admin/query.h"

namespace weir::admin {
namespace {

constexpr uint32_t kLimit = 100;
// A worker describes one in about a microsecond, between two requests.
constexpr uint32_t kMaxLimit = 1000;

using net::ConnectionReport;
using net::StreamReport;

struct Wanted {
  bool json = false;
  uint32_t limit = kLimit;

  // Empty, or what is wrong.
  std::string Parse(std::string_view text) {
    Query query;
    std::string error = query.Parse(text, {"limit", "format"});
    if (!error.empty()) return error;
    json = query.WantsJson(&error);
    if (error.empty()) limit = query.Number("limit", kLimit, kMaxLimit, &error);
    return error;
  }
};

std::string Milliseconds(uint64_t ms) {
  return std::to_string(ms) + " ms";
}

void Write(const ConnectionReport& report, JsonWriter* out) {
  out->BeginObject();
  out->Field("id", report.id);
  out->Field("listener", report.listener);
  out->Field("peer", report.peer);
  out->Field("local", report.local);
  out->Field("protocol", report.protocol);
  out->Field("tls", report.tls);
  out->Field("draining", report.draining);
  out->Field("age_ms", report.age_ms);
  out->Field("bytes_received", report.bytes_received);
  out->Field("bytes_sent", report.bytes_sent);
  out->Field("streams", report.stream_count);
  out->Field("waits_for", report.waits_for);
  out->EndObject();
}

void Write(const ConnectionReport& connection, const StreamReport& report, JsonWriter* out) {
  out->BeginObject();
  out->Field("connection", connection.id);
  out->Field("listener", connection.listener);
  out->Field("peer", connection.peer);
  out->Field("method", report.method);
  out->Field("authority", report.authority);
  out->Field("path", report.path);
  out->Field("cluster", report.cluster);
  out->Field("upstream", report.upstream);
  out->Field("age_ms", report.age_ms);
  out->Field("waits_for", report.waits_for);
  out->Field("waits_ms", report.waits_ms);
  out->Field("bytes_received", report.bytes_received);
  out->Field("bytes_sent", report.bytes_sent);
  out->Field("response_code", report.response_code);
  out->EndObject();
}

std::string Line(const ConnectionReport& report) {
  std::string line = report.listener + " " + report.peer + " -> " + report.local + " " +
                     (report.protocol.empty() ? "-" : report.protocol) +
                     (report.tls ? "+tls" : "") + (report.draining ? " draining" : "") + ", " +
                     Milliseconds(report.age_ms) + " old, " + std::to_string(report.stream_count) +
                     " streams";
  if (!report.waits_for.empty()) line += ", waits for " + report.waits_for;
  return line + "\n";
}

std::string Line(const ConnectionReport& connection, const StreamReport& report) {
  std::string line = connection.listener + " " + connection.peer + " " + Shown(report.method) +
                     " " + Shown(report.authority) + Shown(report.path);
  if (!report.cluster.empty()) line += " -> " + report.cluster;
  if (!report.upstream.empty()) line += " " + report.upstream;
  line += ", " + Milliseconds(report.age_ms) + " old, waits " + Milliseconds(report.waits_ms) +
          " for " + report.waits_for;
  return line + "\n";
}

// The oldest first: what hangs is what is looked for.
std::vector<ConnectionReport> Connections(Host* host, uint32_t limit, bool busy) {
  std::vector<ConnectionReport> all = host->Connections(limit, busy);
  std::stable_sort(
      all.begin(), all.end(),
      [](const ConnectionReport& a, const ConnectionReport& b) { return a.age_ms > b.age_ms; });
  return all;
}

using Row = std::pair<const ConnectionReport*, const StreamReport*>;

std::vector<Row> Streams(const std::vector<ConnectionReport>& connections, uint32_t limit) {
  std::vector<Row> rows;
  for (const ConnectionReport& connection : connections) {
    for (const StreamReport& stream : connection.streams) rows.emplace_back(&connection, &stream);
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.second->age_ms > b.second->age_ms; });
  if (rows.size() > limit) rows.resize(limit);
  return rows;
}

}  // namespace

Reply ConnectionsPage(std::string_view query, Host* host) {
  Wanted wanted;
  std::string error = wanted.Parse(query);
  if (!error.empty()) return Answer(400, std::move(error));
  std::vector<ConnectionReport> all = Connections(host, wanted.limit, false);
  if (all.size() > wanted.limit) all.resize(wanted.limit);
  std::string text;
  if (!wanted.json) {
    for (const ConnectionReport& report : all) text += Line(report);
    return Answer(200, std::move(text));
  }
  JsonWriter out(&text);
  out.BeginObject();
  out.Key("connections");
  out.BeginArray();
  for (const ConnectionReport& report : all) Write(report, &out);
  out.EndArray();
  out.EndObject();
  return AnswerJson(text + "\n");
}

Reply StreamsPage(std::string_view query, Host* host) {
  Wanted wanted;
  std::string error = wanted.Parse(query);
  if (!error.empty()) return Answer(400, std::move(error));
  const std::vector<ConnectionReport> all = Connections(host, wanted.limit, true);
  std::string text;
  if (!wanted.json) {
    for (const auto& [connection, stream] : Streams(all, wanted.limit))
      text += Line(*connection, *stream);
    return Answer(200, std::move(text));
  }
  JsonWriter out(&text);
  out.BeginObject();
  out.Key("streams");
  out.BeginArray();
  for (const auto& [connection, stream] : Streams(all, wanted.limit))
    Write(*connection, *stream, &out);
  out.EndArray();
  out.EndObject();
  return AnswerJson(text + "\n");
}

}  // namespace weir::admin
