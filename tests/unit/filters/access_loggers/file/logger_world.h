#pragma once

#include <string>
#include <string_view>

#include "filters/access_loggers/file/file_logger.h"
#include "plugins/kit/fake_config.h"
#include "plugins/kit/fake_host.h"
#include "plugins/kit/fake_logger.h"
#include "plugins/kit/fake_stream.h"

namespace weir::access_log {

// What a stream is logged as by the access logger `file` with these keys; what is wrong in them
// instead.
inline std::string LineOf(kit::FakeHttpStream* stream, std::string_view keys) {
  kit::FakeLines().clear();
  kit::World().Clear();
  const kit::FakeConfig config =
      kit::FakeConfig::Logger(kFileLoggerApi, "{path: /log, " + std::string(keys) + "}");
  if (!config.ok()) return "mistakes: " + config.errors();
  if (kFileLoggerApi.log(config.get(), stream->handle(), WEIR_LOG_STREAM_END) != WEIR_OK)
    return "failed";
  return kit::FakeLines()["/log"];
}

inline std::string QuotedYaml(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n') {
      quoted += "\\n";
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

inline std::string TextLine(kit::FakeHttpStream* stream, std::string_view format) {
  return LineOf(stream,
                "log_format: {text_format_source: {inline_string: " + QuotedYaml(format) + "}}");
}

}  // namespace weir::access_log
