#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include <malloc.h>
#include <unistd.h>

#include "core/admin/json_writer.h"
#include "core/admin/pages.h"
#include "core/admin/query.h"

namespace weir::admin {
namespace {

struct MemoryFacts {
  uint64_t allocated = 0;  // by malloc, in use
  uint64_t heap_size = 0;  // what malloc has of the system
  uint64_t resident = 0;
  uint64_t pinned = 0;  // bytes of messages that somebody holds
};

uint64_t Resident() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/self/statm", "re"),
                                                             &std::fclose);
  unsigned long long pages = 0;
  if (file == nullptr || std::fscanf(file.get(), "%*u %llu", &pages) != 1) return 0;
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

MemoryFacts Look(const observe::StatRegistry& stats) {
  const struct mallinfo2 info = mallinfo2();
  MemoryFacts facts;
  facts.allocated = info.uordblks + info.hblkhd;
  facts.heap_size = info.arena + info.hblkhd;
  facts.resident = Resident();
  facts.pinned = stats.SumByName("server.memory_pinned");
  return facts;
}

}  // namespace

Reply MemoryPage(std::string_view query, Host* host) {
  Query wanted;
  std::string error = wanted.Parse(query, {"format"});
  if (!error.empty()) return Answer(400, std::move(error));
  const bool json = wanted.WantsJson(&error);
  if (!error.empty()) return Answer(400, std::move(error));
  const MemoryFacts facts = Look(host->Stats());
  const std::pair<const char*, uint64_t> rows[] = {{"allocated", facts.allocated},
                                                   {"heap_size", facts.heap_size},
                                                   {"resident", facts.resident},
                                                   {"pinned", facts.pinned}};
  std::string text;
  if (!json) {
    for (const auto& [name, bytes] : rows)
      text += std::string(name) + ": " + std::to_string(bytes) + "\n";
    return Answer(200, std::move(text));
  }
  JsonWriter out(&text);
  out.BeginObject();
  for (const auto& [name, bytes] : rows) out.Field(name, bytes);
  out.EndObject();
  return AnswerJson(text + "\n");
}

}  // namespace weir::admin
