#include "core/server/access_loggers.h"

#include <deque>
#include <mutex>
#include <string_view>

#include "core/base/log.h"
#include "core/config/abi_node.h"
#include "core/http/filter_chain.h"
#include "core/observe/thread_stats.h"
#include "core/server/plugin_config.h"

namespace weir::server {
namespace {

// What weir_sink stands for. Never freed: a logger may keep its handle as long as it likes.
struct Sink {
  observe::LogFile* file;
  size_t number;
};

// The context in which config_new runs, on the main thread.
const ServerContext* building = nullptr;
thread_local observe::WorkerAccessLogs* thread_logs = nullptr;

Sink* SinkOf(observe::LogFile* file) {
  static std::mutex mutex;
  static auto* sinks = new std::deque<Sink>;
  const std::lock_guard lock(mutex);
  for (Sink& sink : *sinks) {
    if (sink.file == file) return &sink;
  }
  return &sinks->emplace_back(Sink{file, sinks->size()});
}

observe::LogSink KindOf(std::string_view path) {
  if (path == "/dev/stdout") return observe::LogSink::kStdout;
  return path == "/dev/stderr" ? observe::LogSink::kStderr : observe::LogSink::kFile;
}

weir_sink* OpenSink(const weir_node* node, weir_view path) {
  if (building == nullptr || path.size == 0) return nullptr;
  const std::string_view text(path.data, path.size);
  const observe::LogSink kind = KindOf(text);
  std::string error;
  observe::LogFile* file = building->access_logs->Open(
      kind, kind == observe::LogSink::kFile ? std::string(text) : std::string(), &error);
  if (file != nullptr) return reinterpret_cast<weir_sink*>(SinkOf(file));
  config::AbiConfigApi()->error(node, {error.data(), error.size()});
  return nullptr;
}

int32_t Write(weir_sink* handle, weir_view line) {
  if (handle == nullptr || line.data == nullptr || line.size == 0 || thread_logs == nullptr)
    return WEIR_REFUSED;
  if (line.size > observe::AccessLogBuffer::kMaxAppended || line.data[line.size - 1] != '\n')
    return WEIR_REFUSED;
  const auto* sink = reinterpret_cast<const Sink*>(handle);
  return thread_logs->Get(sink->number, sink->file)->Append({line.data, line.size}) ? WEIR_OK
                                                                                    : WEIR_NO_ROOM;
}

observe::LogSink KindOf(config::AccessLog::Sink sink) {
  switch (sink) {
    case config::AccessLog::Sink::kStdout:
      return observe::LogSink::kStdout;
    case config::AccessLog::Sink::kStderr:
      return observe::LogSink::kStderr;
    case config::AccessLog::Sink::kFile:
      return observe::LogSink::kFile;
  }
  return observe::LogSink::kStdout;
}

bool OpenPlain(const ServerContext& context, const config::AccessLog& log,
               std::vector<observe::LogFile*>* files) {
  std::string error;
  observe::LogFile* file = context.access_logs->Open(KindOf(log.sink), log.path, &error);
  if (file != nullptr) {
    files->push_back(file);
  } else {
    context.diagnostics->Add(log.mark, error);
  }
  return file != nullptr;
}

}  // namespace

class AccessLoggerBuilder {
 public:
  static bool Add(const ServerContext& context, const config::AccessLog& log, AccessLoggers* out) {
    // The three that write text and JSON are one plugin.
    const bool shipped = log.logger == "stdout" || log.logger == "stderr";
    std::string error;
    const plugins::AccessLoggerExtension* found =
        context.plugins->FindAccessLogger(log.logger, &error, shipped ? "file" : "");
    if (found == nullptr) {
      context.diagnostics->Add(log.mark, error);
      return false;
    }
    AccessLogger logger;
    logger.api = found->api;
    logger.plugin = found->plugin->name;
    logger.errors =
        context.stats->Define("plugin." + logger.plugin + ".errors", observe::StatKind::kCounter);
    logger.time = http::MakeHookStats(context.stats, logger.plugin, log.logger);
    logger.throttle = std::make_shared<base::LogThrottle>();
    config::AbiConfigScope scope(context.diagnostics, log.typed_config.get(), log.mark,
                                 "access logger " + log.logger);
    building = &context;
    logger.config = NewPluginConfig(&scope, logger.plugin.c_str(), [&] {
      return found->api->config_new(context.plugin_host, LoggerApi(), scope.node());
    });
    building = nullptr;
    const bool ok = scope.Finish(logger.config != nullptr);
    out->loggers_.push_back(std::move(logger));
    return ok;
  }
};

AccessLoggers::~AccessLoggers() {
  for (const AccessLogger& logger : loggers_) {
    if (logger.config != nullptr)
      PluginConfigDeleter{logger.api->config_free, logger.plugin.c_str()}(logger.config);
  }
}

void AccessLoggers::Log(weir_stream* stream) const {
  for (const AccessLogger& logger : loggers_) {
    std::string why;
    // No exception may leave a plugin; one that does all the same costs its line.
    try {
      const http::HookTimer timer(logger.time);
      const int32_t status = logger.api->log(logger.config, stream, WEIR_LOG_STREAM_END);
      if (status >= 0) continue;
      why = "log answered " + std::to_string(status);
    } catch (...) {
      why = "an exception left log: " + base::ThrownText();
    }
    if (observe::thread_stats != nullptr) observe::thread_stats->Get(logger.errors)->Add();
    if (!base::LogEnabled(base::LogLevel::kWarn)) continue;
    base::LogThrottled(base::LogLevel::kWarn, logger.throttle.get(),
                       "access logger %s failed: %s; a line is missing", logger.plugin.c_str(),
                       why.c_str());
  }
}

bool BuildAccessLogs(const ServerContext& context, const std::vector<config::AccessLog>& configs,
                     std::vector<observe::LogFile*>* files, AccessLoggers* loggers) {
  bool ok = true;
  for (const config::AccessLog& log : configs) {
    ok = (log.logger.empty() ? OpenPlain(context, log, files)
                             : AccessLoggerBuilder::Add(context, log, loggers)) &&
         ok;
  }
  return ok;
}

void SetThreadLogs(observe::WorkerAccessLogs* logs) {
  thread_logs = logs;
}

const weir_logger_api* LoggerApi() {
  static const weir_logger_api api = [] {
    weir_logger_api table{};
    table.struct_size = sizeof table;
    // All of it: what would change a stream answers WEIR_REFUSED when that is over.
    table.http = http::HttpFilterHostTable();
    table.sink = OpenSink;
    table.write = Write;
    return table;
  }();
  return &api;
}

}  // namespace weir::server
