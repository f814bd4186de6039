#include "core/admin/pages.h"
#include "core/admin/query.h"

namespace weir::admin {

Reply PluginsPage(std::string_view query, Host* host) {
  Query wanted;
  std::string error = wanted.Parse(query, {"format"});
  if (!error.empty()) return Answer(400, std::move(error));
  const bool json = wanted.WantsJson(&error);
  if (!error.empty()) return Answer(400, std::move(error));
  std::string text = host->Plugins(json);
  if (text.empty()) return Answer(503, "the main thread is busy; ask again\n");
  return json ? AnswerJson(std::move(text)) : Answer(200, std::move(text));
}

}  // namespace weir::admin
