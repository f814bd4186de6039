#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/config/http_config.h"
#include "core/http/hook_time.h"
#include "core/observe/access_log.h"
#include "core/server/wiring.h"
#include "plugins/abi/weir.h"

namespace weir::server {

// One access logger of a plugin in a place of the configuration. Immutable, shared by the workers.
struct AccessLogger {
  const weir_access_logger_api* api = nullptr;
  void* config = nullptr;
  std::string plugin;      // for the log
  observe::StatId errors;  // plugin.<name>.errors
  http::HookStats time;    // of its hooks
  std::shared_ptr<base::LogThrottle> throttle;
};

// The access loggers of one place, such as a connection manager.
class AccessLoggers {
 public:
  AccessLoggers() = default;
  ~AccessLoggers();
  AccessLoggers(const AccessLoggers&) = delete;
  AccessLoggers& operator=(const AccessLoggers&) = delete;

  bool empty() const { return loggers_.empty(); }
  // A stream is over: tells each of them. `stream` needs to be readable for the call only. On a
  // worker. A failure is counted and named in the log.
  void Log(weir_stream* stream) const;

 private:
  friend class AccessLoggerBuilder;
  std::vector<AccessLogger> loggers_;
};

// Opens and makes what `configs` say: files for lines in the default format, and loggers. Mistakes
// go to context.diagnostics; false when there was one. On the main thread.
bool BuildAccessLogs(const ServerContext& context, const std::vector<config::AccessLog>& configs,
                     std::vector<observe::LogFile*>* files, AccessLoggers* loggers);

// Where the loggers of the calling thread write to: a worker's, until it says null.
void SetThreadLogs(observe::WorkerAccessLogs* logs);

// The functions that access loggers call.
const weir_logger_api* LoggerApi();

}  // namespace weir::server
