#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/admin/host.h"
#include "core/admin/message.h"

namespace weir::admin {

// One page of the admin listener.
struct Page {
  enum class Kind : uint8_t {
    kShow,  // GET and HEAD
    kAct,   // POST; only with allow_mutations
  };

  std::string_view path;
  Kind kind = Kind::kShow;
  // Answered without the token: what probes ask, and what holds nothing of the configuration.
  bool open = false;
  // So little work, and nothing to wait for, that a worker makes it between two requests.
  bool quick = false;
  Reply (*make)(std::string_view query, Host* host) = nullptr;
  std::string_view help;  // one line
};

// The page of a path; null: there is none.
const Page* FindPage(std::string_view path);
// Every page, a line each.
std::string HelpText();

}  // namespace weir::admin
