#include <ctime>
#include <string>
#include <utility>

#include "core/admin/certificates.h"
#include "core/admin/json_writer.h"
#include "core/admin/pages.h"
#include "core/admin/query.h"
#include "core/admin/redact.h"

namespace weir::admin {
namespace {

std::string TextOf(const ReloadFacts& facts) {
  if (!facts.ok)
    return "the configuration is as before, for the file has mistakes:\n" +
           RedactMistakes(facts.error);
  if (facts.changes.empty()) return "nothing differs\n";
  std::string text;
  for (const std::string& change : facts.changes) text += change + "\n";
  return text;
}

std::string JsonOf(const ReloadFacts& facts) {
  std::string text;
  JsonWriter out(&text);
  out.BeginObject();
  out.Field("reloads", facts.number);
  out.Field("ok", facts.number == 0 || facts.ok);
  out.Field("error", RedactMistakes(facts.error));
  out.Key("changes");
  out.BeginArray();
  for (const std::string& change : facts.changes) out.String(change);
  out.EndArray();
  out.Field("unix_ms", static_cast<uint64_t>(facts.unix_ms));
  out.EndObject();
  return text + "\n";
}

}  // namespace

Reply ConfigPage(std::string_view query, Host* host) {
  Query wanted;
  std::string error = wanted.Parse(query, {"format"});
  if (!error.empty()) return Answer(400, std::move(error));
  const bool json = wanted.WantsJson(&error);
  if (!error.empty()) return Answer(400, std::move(error));
  const ReloadFacts facts = host->LastReload();
  if (json) return AnswerJson(JsonOf(facts));
  if (facts.number == 0) return Answer(200, "no reload since the start\n");
  return Answer(200, "reload " + std::to_string(facts.number) + ", " +
                         UtcTime(facts.unix_ms / 1000) + ": " + TextOf(facts));
}

Reply ReloadPage(std::string_view query, Host* host) {
  if (!query.empty()) return Answer(400, "this page takes no parameter\n");
  const std::optional<ReloadFacts> facts = host->Reload();
  if (!facts) return Answer(503, "this process takes no reload now\n");
  if (facts->number == 0) return Answer(202, "it is not over yet; /config says what came of it\n");
  return Answer(facts->ok ? 200 : 409, TextOf(*facts));
}

}  // namespace weir::admin
