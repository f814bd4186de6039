#include "core/config/names.h"
#include "core/config/tables.h"

namespace weir::config {
namespace {

constexpr std::string_view kLoggerPrefix = "envoy.access_loggers.";
constexpr const char* kFileMessage = "envoy.extensions.access_loggers.file.v3.FileAccessLog";
constexpr const char* kStdoutMessage = "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog";
constexpr const char* kStderrMessage = "envoy.extensions.access_loggers.stream.v3.StderrAccessLog";

struct LoggerEntry {
  std::string name;
  std::string message;
  Mark message_mark;
  std::string path;
};

void SetSink(const std::string& where, AccessLog* out) {
  if (where == "stdout" || where == "/dev/stdout") {
    out->sink = AccessLog::Sink::kStdout;
  } else if (where == "stderr" || where == "/dev/stderr") {
    out->sink = AccessLog::Sink::kStderr;
  } else {
    out->sink = AccessLog::Sink::kFile;
    out->path = where;
  }
}

const Keys<LoggerEntry>& LoggerConfigKeys() {
  static const Keys<LoggerEntry> keys = {
      CustomKey<LoggerEntry>(
          "@type", "string",
          [](Context& c, const Field& f, LoggerEntry* e) {
            e->message_mark = f.node().mark();
            std::string text;
            ReadText(c, f, &text);
            e->message = MessageOf(text);
          },
          nullptr, ""),
      TextKey("path", &LoggerEntry::path, "The file; /dev/stdout and /dev/stderr are known."),
      MissingKey<LoggerEntry>("log_format", "access log formats"),
      MissingKey<LoggerEntry>("format", "access log formats"),
      MissingKey<LoggerEntry>("json_format", "access log formats"),
      MissingKey<LoggerEntry>("typed_json_format", "access log formats"),
  };
  return keys;
}

const Keys<LoggerEntry>& LoggerKeys() {
  static const Keys<LoggerEntry> keys = {
      TextKey("name", &LoggerEntry::name, "file, stdout or stderr."),
      CustomKey<LoggerEntry>(
          "typed_config", "mapping",
          [](Context& c, const Field& f, LoggerEntry* e) { ReadMap(c, f, LoggerConfigKeys(), e); },
          nullptr, ""),
      MissingKey<LoggerEntry>("filter", "access log filters"),
  };
  return keys;
}

// "file", "stdout" or "stderr"; empty after an error.
std::string LoggerType(Context& c, const Field& field, const LoggerEntry& entry) {
  if (entry.message == kFileMessage) return "file";
  if (entry.message == kStdoutMessage) return "stdout";
  if (entry.message == kStderrMessage) return "stderr";
  if (!entry.message.empty()) {
    c.Add(entry.message_mark,
          "@type " + Quote(entry.message) + " is of no access log that Weir has",
          JoinNames({kFileMessage, kStdoutMessage, kStderrMessage}));
    return "";
  }
  std::string_view name = entry.name;
  if (name.substr(0, kLoggerPrefix.size()) == kLoggerPrefix) {
    name.remove_prefix(kLoggerPrefix.size());
  }
  if (name == "file" || name == "stdout" || name == "stderr") return std::string(name);
  c.Add(field.key_mark, Quote(entry.name) + " is no access log that Weir has",
        "file, stdout or stderr", NearestName(name, {"file", "stdout", "stderr"}));
  return "";
}

void ReadLogger(Context& c, const Field& field, std::vector<AccessLog>* out) {
  AccessLog log;
  log.mark = field.key_mark;
  if (field.node().is_scalar()) {
    std::string where;
    ReadText(c, field, &where);
    if (where.empty()) return c.AddExpected(field, "stdout, stderr or a file's path");
    SetSink(where, &log);
  } else {
    const std::size_t before = c.diagnostics().count();
    LoggerEntry entry;
    ReadMap(c, field, LoggerKeys(), &entry);
    if (c.diagnostics().count() != before) return;
    const std::string type = LoggerType(c, field, entry);
    if (type.empty()) return;
    if (type == "file" && entry.path.empty()) {
      c.Add(field.key_mark, "the access log has no path", "typed_config with path");
    }
    if (type != "file" && !entry.path.empty()) {
      c.Add(field.key_mark, "access log " + type + " takes no path", "name: file");
    }
    SetSink(type == "file" ? entry.path : type, &log);
  }
  out->push_back(std::move(log));
}

}  // namespace

void ReadAccessLogs(Context& c, const Field& field, std::vector<AccessLog>* out) {
  if (field.node().is_scalar()) return ReadLogger(c, field, out);
  if (!ExpectList(c, field)) return;
  std::vector<std::string> names;
  for (const Field& element : Elements(field, &names)) ReadLogger(c, element, out);
}

std::shared_ptr<const Node> PrintAccessLogs(const std::vector<AccessLog>& logs) {
  if (logs.empty()) return nullptr;
  auto list = Node::Sequence({});
  for (const AccessLog& log : logs) {
    switch (log.sink) {
      case AccessLog::Sink::kStdout:
        list->Add("", {}, PrintMap({{"name", PrintText("stdout")}}));
        break;
      case AccessLog::Sink::kStderr:
        list->Add("", {}, PrintMap({{"name", PrintText("stderr")}}));
        break;
      case AccessLog::Sink::kFile:
        list->Add("", {},
                  PrintMap({{"name", PrintText("file")},
                            {"typed_config", PrintMap({{"path", PrintText(log.path)}})}}));
        break;
    }
  }
  return list;
}

}  // namespace weir::config
