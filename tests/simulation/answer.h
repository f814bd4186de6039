#pragma once

#include <cstdint>

#include "tests/simulation/ledger.h"
#include "tests/simulation/world.h"

namespace weir::sim {

// What a backend is going to do about one request.
struct Answer {
  enum class When { kAtHead, kAtEnd };
  enum class End { kWhole, kCutFin, kCutRst, kStall };
  When when = When::kAtEnd;
  uint64_t delay_ms = 0;
  uint32_t interims = 0;   // 103 in front of it
  bool continues = false;  // 100 in front of it
  uint32_t status = 200;
  BodyKind body = BodyKind::kNone;
  bool until_close = false;
  bool trailers = false;
  bool close = false;  // says so, and does
  bool garbage = false;
  bool excess = false;  // bytes behind the answer
  uint64_t size = 0;
  End end = End::kWhole;
  uint64_t cut_at = 0;  // byte of the body; UINT64_MAX: before the head
};

Answer ChooseAnswer(World* world, const Request& request);

}  // namespace weir::sim
