#include "tests/simulation/answer.h"

namespace weir::sim {

Answer ChooseAnswer(World* world, const Request& request) {
  const Variation& v = world->variation();
  Answer a;
  if (v.backend_early && world->OneIn(3)) a.when = Answer::When::kAtHead;
  a.delay_ms = world->OneIn(2) ? 0 : world->Below(200);
  if (world->OneIn(8)) a.interims = 1 + static_cast<uint32_t>(world->Below(3));
  a.continues = request.expect && a.when == Answer::When::kAtEnd;
  const uint32_t statuses[] = {200, 200, 200, 200, 201, 404, 500, 204, 304};
  a.status = statuses[world->Below(9)];
  if (a.status != 204 && a.status != 304) {
    a.body = world->OneIn(2) ? BodyKind::kLength : BodyKind::kChunked;
    a.size = world->OneIn(4) ? world->Below(30) : world->Below(uint64_t{v.most_body} + 1);
    a.until_close = world->OneIn(12) && request.method != "HEAD";
    if (a.until_close) a.body = BodyKind::kNone;
    a.trailers = a.body == BodyKind::kChunked && world->OneIn(4);
  }
  a.close = a.until_close || world->OneIn(12);
  if (v.backend_cuts && world->OneIn(5)) {
    switch (world->Below(4)) {
      case 0:
        a.garbage = true;
        break;
      case 1:
        a.excess = !a.until_close;
        break;
      default:
        a.end = world->OneIn(2) ? Answer::End::kCutFin : Answer::End::kCutRst;
        a.cut_at = world->OneIn(3) ? UINT64_MAX : world->Below(a.size + 1);
    }
  } else if (v.stalls && world->OneIn(6)) {
    a.end = Answer::End::kStall;
    a.cut_at = world->OneIn(2) ? UINT64_MAX : world->Below(a.size + 1);
  }
  return a;
}

}  // namespace weir::sim
