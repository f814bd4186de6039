#pragma once

#include <string>

#include "tests/simulation/ledger.h"
#include "tests/simulation/world.h"

// What answers are legal for what the backends and the client did. Each says what is wrong, or
// nothing.

namespace weir::sim {

// How a client's connection ended under a request that has no whole answer.
struct Dropped {
  bool first = false;      // it is the oldest of those without an answer
  bool announced = false;  // an answer, or a request, said that the connection ends
  bool clean = false;      // what came ends where a message may end
  bool in_body = false;
  bool overrun = false;  // the client sent much for a request that was answered
};

std::string DroppedRightly(const World& world, const Request& request, const Dropped& how);
// A final head came.
std::string HeadRight(const World& world, const Request& request);
// The answer came to its end.
std::string CompleteRight(const World& world, const Request& request);
// A backend sees a request for one more time.
std::string AttemptRight(const World& world, const Request& request);

}  // namespace weir::sim
