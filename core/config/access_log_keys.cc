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
  std::shared_ptr<const Node> typed_config;
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

const Keys<LoggerEntry>& LoggerKeys() {
  static const Keys<LoggerEntry> keys = {
      TextKey("name", &LoggerEntry::name, "file, stdout, stderr or a plugin's access logger."),
      CustomKey<LoggerEntry>(
          "typed_config", "mapping",
          [](Context& c, const Field& f, LoggerEntry* e) {
            if (!f.node().is_null() && ExpectMap(c, f)) e->typed_config = f.value;
          },
          nullptr, ""),
      MissingKey<LoggerEntry>("filter", "access log filters"),
  };
  return keys;
}

bool IsKnown(std::string_view name) {
  return name == "file" || name == "stdout" || name == "stderr";
}

// "file", "stdout", "stderr" or the name of a plugin's; empty after an error.
std::string LoggerType(Context& c, const Field& field, const LoggerEntry& entry) {
  const Node* type = entry.typed_config == nullptr ? nullptr : entry.typed_config->Find("@type");
  if (type != nullptr) {
    const std::string_view message = MessageOf(type->text());
    if (message == kFileMessage) return "file";
    if (message == kStdoutMessage) return "stdout";
    if (message == kStderrMessage) return "stderr";
    c.Add(type->mark(), "@type " + Quote(message) + " is of no access log that Weir has",
          JoinNames({kFileMessage, kStdoutMessage, kStderrMessage}));
    return "";
  }
  std::string_view name = entry.name;
  const bool envoys = name.substr(0, kLoggerPrefix.size()) == kLoggerPrefix;
  if (envoys) name.remove_prefix(kLoggerPrefix.size());
  if (IsKnown(name) || (!envoys && IsPluginName(name))) return std::string(name);
  c.Add(field.key_mark, Quote(entry.name) + " is no access log that Weir has",
        "file, stdout, stderr or a plugin's name", NearestName(name, {"file", "stdout", "stderr"}));
  return "";
}

// Whether the lines have the default format, which needs no plugin.
bool IsPlain(const std::string& type, const LoggerEntry& entry) {
  if (!IsKnown(type)) return false;
  if (entry.typed_config == nullptr) return true;
  for (const Node::Entry& key : entry.typed_config->entries()) {
    if (key.key != "@type" && key.key != "path") return false;
  }
  return true;
}

void ReadPlain(Context& c, const Field& field, const std::string& type, const LoggerEntry& entry,
               AccessLog* log) {
  std::string path;
  if (entry.typed_config != nullptr) {
    for (const Node::Entry& key : entry.typed_config->entries()) {
      key.read = true;
      if (key.key == "path") ReadText(c, EntryField(key), &path);
    }
  }
  if (type == "file" && path.empty()) {
    c.Add(field.key_mark, "the access log has no path", "typed_config with path");
  }
  if (type != "file" && !path.empty()) {
    c.Add(field.key_mark, "access log " + type + " takes no path", "name: file");
  }
  SetSink(type == "file" ? path : type, log);
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
    if (IsPlain(type, entry)) {
      ReadPlain(c, field, type, entry, &log);
    } else {
      log.logger = type;
      log.typed_config = entry.typed_config;
    }
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
    if (!log.logger.empty()) {
      list->Add("", {},
                PrintMap({{"name", PrintText(log.logger)}, {"typed_config", log.typed_config}}));
      continue;
    }
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
