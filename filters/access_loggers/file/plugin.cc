#include "filters/access_loggers/file/file_logger.h"

namespace {

constexpr weir_extension kExtensions[] = {
    {WEIR_KIND_ACCESS_LOGGER, 0, "file", &weir::access_log::kFileLoggerApi},
    {WEIR_KIND_ACCESS_LOGGER, 0, "stdout", &weir::access_log::kStdoutLoggerApi},
    {WEIR_KIND_ACCESS_LOGGER, 0, "stderr", &weir::access_log::kStderrLoggerApi},
};

}  // namespace

extern "C" WEIR_PLUGIN(file) = weir::sdk::Descriptor("file", "1.0", kExtensions);
