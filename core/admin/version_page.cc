#include "core/admin/json_writer.h"
#include "core/admin/pages.h"
#include "core/admin/query.h"

namespace weir::admin {

Reply VersionPage(std::string_view query, Host* host) {
  Query wanted;
  std::string error = wanted.Parse(query, {"format"});
  if (!error.empty()) return Answer(400, std::move(error));
  const bool json = wanted.WantsJson(&error);
  if (!error.empty()) return Answer(400, std::move(error));
  const ProcessFacts facts = host->Process();
  const std::string_view state = StateName(host->State());
  std::string text;
  if (json) {
    JsonWriter out(&text);
    out.BeginObject();
    out.Field("version", facts.version);
    out.Field("state", state);
    out.Field("uptime_s", facts.uptime_s);
    out.Field("start_unix_s", facts.start_unix_s);
    out.Field("pid", facts.pid);
    out.Field("concurrency", facts.concurrency);
    out.EndObject();
    return AnswerJson(text + "\n");
  }
  text = "weir " + std::string(facts.version) + "\n";
  text += "state: " + std::string(state) + "\n";
  text += "uptime_s: " + std::to_string(facts.uptime_s) + "\n";
  text += "pid: " + std::to_string(facts.pid) + "\n";
  text += "concurrency: " + std::to_string(facts.concurrency) + "\n";
  return Answer(200, std::move(text));
}

}  // namespace weir::admin
