#include "filters/access_loggers/file/file_logger.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace weir::access_log {
namespace {

constexpr std::size_t kMaxFormatFile = 65'536;

// A text as it is, or Envoy's DataSource.
bool ReadSource(const sdk::ConfigNode& node, std::string* out) {
  if (node.IsScalar()) return node.Read(out);
  if (!node.ExpectMap("text_format_source")) return false;
  if (!node.Refuse("inline_bytes", "is not there: write inline_string")) return false;
  if (const auto text = node.Get("inline_string")) return text.Read(out);
  std::string name;
  if (const auto variable = node.Get("environment_variable")) {
    if (!variable.Read(&name)) return false;
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return variable.Fail("the environment has no " + name);
    *out = value;
    return true;
  }
  const auto file = node.Get("filename");
  if (!file) return node.Fail("one of inline_string, filename and environment_variable is needed");
  if (!file.Read(&name)) return false;
  std::ifstream stream(name, std::ios::binary);
  if (!stream) return file.Fail("cannot read " + name);
  out->assign(std::istreambuf_iterator<char>(stream), {});
  return out->size() <= kMaxFormatFile || file.Fail(name + " is too long for a format");
}

}  // namespace

bool FileLogger::LoadText(const sdk::ConfigNode& node, std::string_view text) {
  std::string error;
  return format_.CompileText(text, &error) || node.Fail(error);
}

bool FileLogger::LoadLogFormat(const sdk::ConfigNode& node) {
  if (!node.ExpectMap("log_format")) return false;
  bool ok = node.Refuse("formatters", "is not there: Weir's operators are all built in");
  ok = node.Refuse("content_type", "is of local replies, and does nothing here") && ok;
  ok = node.Refuse("json_format_options", "is not there: keys keep their order") && ok;
  if (const auto omit = node.Get("omit_empty_values")) {
    bool value = false;
    ok = omit.Read(&value) && ok;
    format_.set_omit_empty(value);
  }
  const auto text = node.Get("text_format");
  const auto source = node.Get("text_format_source");
  const auto json = node.Get("json_format");
  if ((text ? 1 : 0) + (source ? 1 : 0) + (json ? 1 : 0) != 1)
    return node.Fail("one of text_format_source, text_format and json_format is needed");
  if (json) return format_.CompileJson(json) && ok;
  std::string format;
  if (text) return text.Read(&format) && LoadText(text, format) && ok;
  return ReadSource(source, &format) && LoadText(source, format) && ok;
}

bool FileLogger::LoadFormat(const sdk::ConfigNode& node) {
  const auto log_format = node.Get("log_format");
  const auto format = node.Get("format");
  const auto json = node.Get("json_format");
  const auto typed = node.Get("typed_json_format");
  const int given = (log_format ? 1 : 0) + (format ? 1 : 0) + (json ? 1 : 0) + (typed ? 1 : 0);
  if (given > 1)
    return node.Fail("only one of log_format, format, json_format and typed_json_format may stand");
  if (log_format) return LoadLogFormat(log_format);
  if (json) return format_.CompileJson(json);
  if (typed) return format_.CompileJson(typed);
  if (!format) return LoadText(node, kDefaultFormat);
  std::string text;
  return format.Read(&text) && LoadText(format, text.empty() ? kDefaultFormat : text);
}

bool FileLogger::LoadSink(const sdk::LoggerLoad& load) {
  if (path_ != nullptr) {
    if (const auto path = load.node.Get("path"))
      return path.Fail("only the access logger file takes a path");
    sink_ = load.OpenSink(path_);
    return static_cast<bool>(sink_);
  }
  const auto path = load.node.Get("path");
  if (!path) return load.node.Fail("the access log has no path");
  std::string text;
  if (!path.Read(&text)) return false;
  if (text.empty()) return path.Fail("path is empty");
  sink_ = sdk::Sink(load.api, load.api->sink(path.handle(), sdk::View(text)));
  return static_cast<bool>(sink_);
}

bool FileLogger::Load(const sdk::LoggerLoad& load) {
  if (load.node && !load.node.IsNull() && !load.node.ExpectMap("the configuration")) return false;
  truncated_ = load.host.MakeCounter("file.truncated");
  const bool format_ok = LoadFormat(load.node);
  return LoadSink(load) && format_ok;
}

bool FileLogger::Log(const sdk::HttpStream& stream) const {
  char room[kMaxLine];
  LineWriter line(room, sizeof room);
  if (!format_.Write(stream, &line)) truncated_.Add();
  // What there is no room for the host counts.
  sink_.Write(line.text());
  return true;
}

namespace {

class StdoutLogger final : public FileLogger {
 public:
  StdoutLogger() : FileLogger("/dev/stdout") {}
};
class StderrLogger final : public FileLogger {
 public:
  StderrLogger() : FileLogger("/dev/stderr") {}
};

constexpr char kFile[] = "file";
constexpr char kStdout[] = "stdout";
constexpr char kStderr[] = "stderr";

}  // namespace

const weir_access_logger_api kFileLoggerApi = sdk::AccessLoggerApi<FileLogger, kFile>();
const weir_access_logger_api kStdoutLoggerApi = sdk::AccessLoggerApi<StdoutLogger, kStdout>();
const weir_access_logger_api kStderrLoggerApi = sdk::AccessLoggerApi<StderrLogger, kStderr>();

}  // namespace weir::access_log
