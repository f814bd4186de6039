#pragma once

#include <string>

#include "filters/access_loggers/file/log_format.h"
#include "plugins/sdk/weir.hpp"

namespace weir::access_log {

// Lines of text or JSON to a file, stdout or stderr.
class FileLogger : public sdk::AccessLogger<FileLogger> {
 public:
  bool Load(const sdk::LoggerLoad& load);
  bool Log(const sdk::HttpStream& stream) const;

 protected:
  // Envoy's name for where the lines go; null: the key `path` says it.
  explicit FileLogger(const char* path) : path_(path) {}

 public:
  FileLogger() : FileLogger(nullptr) {}

 private:
  bool LoadSink(const sdk::LoggerLoad& load);
  bool LoadFormat(const sdk::ConfigNode& node);
  bool LoadLogFormat(const sdk::ConfigNode& node);
  bool LoadText(const sdk::ConfigNode& node, std::string_view text);

  const char* path_;
  sdk::Sink sink_;
  LogFormat format_;
  sdk::Counter truncated_;
};

extern const weir_access_logger_api kFileLoggerApi;
extern const weir_access_logger_api kStdoutLoggerApi;
extern const weir_access_logger_api kStderrLoggerApi;

}  // namespace weir::access_log
