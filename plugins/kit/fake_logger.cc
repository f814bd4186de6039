#include "plugins/kit/fake_logger.h"

#include <mutex>
#include <string_view>
#include <utility>

#include "plugins/kit/fake_host.h"
#include "plugins/kit/fake_stream.h"
#include "plugins/sdk/view.h"

namespace weir::kit {
namespace {

// Workers write at a time.
std::mutex g_mutex;
int g_refused = 0;

using Lines = std::pair<const std::string, std::string>;

weir_sink* Sink(const weir_node* node, weir_view path) {
  const std::string text(sdk::Text(path));
  if (text.empty() || text.rfind("/missing/", 0) == 0) {
    FakeHost()->config->error(node, sdk::View("cannot open " + text));
    return nullptr;
  }
  return reinterpret_cast<weir_sink*>(&*FakeLines().emplace(text, "").first);
}

std::int32_t Write(weir_sink* sink, weir_view line) {
  const std::string_view text = sdk::Text(line);
  const std::lock_guard<std::mutex> lock(g_mutex);
  if (sink == nullptr || text.empty() || text.size() > 65000 || text.back() != '\n') {
    ++g_refused;
    return WEIR_REFUSED;
  }
  if (World().full) return WEIR_NO_ROOM;
  reinterpret_cast<Lines*>(sink)->second += text;
  return WEIR_OK;
}

}  // namespace

std::map<std::string, std::string>& FakeLines() {
  static std::map<std::string, std::string> lines;
  return lines;
}

int ForgetFakeLines() {
  const std::lock_guard<std::mutex> lock(g_mutex);
  for (auto& [path, lines] : FakeLines()) lines.clear();
  return std::exchange(g_refused, 0);
}

const weir_logger_api* FakeLoggerApi() {
  static const weir_logger_api api = [] {
    weir_logger_api table{};
    table.struct_size = sizeof table;
    table.http = FakeHttpApi();
    table.sink = Sink;
    table.write = Write;
    return table;
  }();
  return &api;
}

}  // namespace weir::kit
