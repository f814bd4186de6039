#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/observe/stats.h"

namespace weir::observe {

enum class ServerState : uint8_t { kLive = 0, kDraining = 1, kInitializing = 2 };  // server.state

// What the admin pages show.
struct AdminView {
  ServerState state = ServerState::kInitializing;
  const StatRegistry* stats = nullptr;
};

struct AdminReply {
  uint32_t status = 200;
  std::string_view content_type = "text/plain; charset=UTF-8";
  std::string_view allow;  // the allow field's value; not empty for a 405
  std::string body;        // also for HEAD: who sends the answer leaves the body away
};

// The answer to one admin request; `target` is the path with its query. Any thread. Pages: / and
// /help, /ready, /stats. /stats takes usedonly (leaves out what is 0) and filter=RE2 (a part of the
// name must match; percent-encoded); a parameter or value that is not known is a 400 that names it.
AdminReply AnswerAdmin(std::string_view method, std::string_view target, const AdminView& view);

}  // namespace weir::observe
