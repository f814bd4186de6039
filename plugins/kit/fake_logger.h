#pragma once

#include <map>
#include <string>

#include "plugins/abi/weir.h"

namespace weir::kit {

// What access loggers have written, by the path of the sink. Of the process; clear it between
// tests.
std::map<std::string, std::string>& FakeLines();
// Empties them; and how many lines were refused since the last time. Any thread.
int ForgetFakeLines();

// Streams are FakeHttpStream's. A path that begins with "/missing/" cannot be opened. Lines that
// are too long, empty or not whole are refused, as the host does.
const weir_logger_api* FakeLoggerApi();

}  // namespace weir::kit
