#include "tests/simulation/verdict.h"

#include <algorithm>

namespace weir::sim {
namespace {

template <typename Is>
bool Any(const Request& request, Is is) {
  return std::any_of(request.attempts.begin(), request.attempts.end(), is);
}

bool BackendFailed(const Request& r) {
  return r.lost > 0 || Any(r, [](const Attempt& a) { return a.cut || a.garbage || a.refused; });
}

bool BackendStalled(const Request& r) {
  return Any(r, [](const Attempt& a) { return a.stalled; });
}

std::string Describe(const Request& r) {
  std::string text = "request " + std::to_string(r.id) + " (" + r.method + ", " +
                     std::to_string(r.attempts.size()) + " attempts, " + std::to_string(r.lost) +
                     " lost";
  for (const Attempt& a : r.attempts) {
    text += ", {" + std::to_string(a.status) + (a.answered ? " answered" : "") +
            (a.cut ? " cut" : "") + (a.garbage ? " garbage" : "") + (a.stalled ? " stalled" : "") +
            "}";
  }
  return text + ")";
}

// The worker's own answers.
bool MayAnswer(const World& world, const Request& r) {
  const Variation& v = world.variation();
  switch (r.status) {
    case 200:
      // Bytes that a backend sends behind its answer, once the next request is on its way, are its
      // answer for whoever speaks HTTP/1.
      return v.backend_cuts && v.up[r.cluster] == Speaks::kH1 && r.lost > 0;
    case 503:
      return BackendFailed(r) || v.connect_faults || v.limited() || v.backend_idle_closes ||
             world.WasWithoutMembers(r) || v.stalls ||
             (v.backend_cuts && v.up[r.cluster] != Speaks::kH1);
    case 502:
      // Where streams share a connection, one of them may break it for all.
      return Any(r, [](const Attempt& a) { return a.garbage || a.cut; }) ||
             (v.backend_cuts && v.up[r.cluster] == Speaks::kH2);
    case 504:
      // Others may stand in front of it in a pool that is full of stalled requests.
      return BackendStalled(r) || v.stalls || (v.connect_faults && v.max_connections < 100);
    case 408:
      // One that waits behind stalled ones in a full pool makes its client wait too.
      return r.stalled || (v.stalls && !r.sent_all);
    case 418:
      return v.filter_replies;
    default:
      return false;
  }
}

}  // namespace

std::string DroppedRightly(const World& world, const Request& r, const Dropped& how) {
  if (r.given_up || r.stalled || how.overrun) return {};
  const Variation& v = world.variation();
  if (!how.first) return {};  // the oldest one explains it, or does not
  if (r.head_received) {
    if (how.clean) return Describe(r) + ": a cut answer that looks whole";
    if (r.attempt < 0)
      return r.sent_all && !v.filter_replies ? Describe(r) + ": a local reply that is cut" : "";
    const Attempt& a = r.attempts[static_cast<size_t>(r.attempt)];
    if (a.cut || a.garbage || a.stalled || v.filter_replies || v.stalls) return {};
    return Describe(r) + ": cut after " + std::to_string(r.received) + " of " +
           std::to_string(a.body_size) + " bytes for no reason";
  }
  if (v.filter_replies) return {};
  // A reset, which is all that tells such a client of a cut, takes with it what was on its way.
  if (r.old && !how.clean && (BackendFailed(r) || BackendStalled(r))) return {};
  if (world.Leaving(r) && r.attempts.empty() && !r.accepted) return {};
  return Describe(r) + ": closed without an answer";
}

std::string HeadRight(const World& world, const Request& r) {
  if (r.attempt < 0) {
    if (MayAnswer(world, r)) return {};
    return Describe(r) + ": answered " + std::to_string(r.status) + " by the worker for no reason";
  }
  if (static_cast<size_t>(r.attempt) >= r.attempts.size())
    return Describe(r) + ": an unknown attempt";
  const Attempt& a = r.attempts[static_cast<size_t>(r.attempt)];
  if (!a.head_sent) return Describe(r) + ": an answer before it was given";
  if (a.status != r.status) return Describe(r) + ": answered " + std::to_string(r.status);
  return {};
}

std::string CompleteRight(const World&, const Request& r) {
  if (r.attempt < 0) return {};
  const Attempt& a = r.attempts[static_cast<size_t>(r.attempt)];
  const bool bodiless = r.method == "HEAD" || r.status == 204 || r.status == 304;
  if (!bodiless && r.received != a.body_size) {
    return Describe(r) + ": complete with " + std::to_string(r.received) + " of " +
           std::to_string(a.body_size) + " bytes";
  }
  if (!bodiless && r.checks_trailers && !a.cut && r.trailers_received != a.trailers)
    return Describe(r) + ": trailers of the answer";
  if (a.truncated && !bodiless)
    return Describe(r) + ": a truncated answer that was taken for whole";
  if (!a.answered && !bodiless) return Describe(r) + ": complete before the backend was";
  return {};
}

std::string AttemptRight(const World&, const Request& r) {
  const auto refused = std::count_if(r.attempts.begin(), r.attempts.end(),
                                     [](const Attempt& a) { return a.refused; });
  const size_t before = r.attempts.size() + r.lost - static_cast<size_t>(refused);
  // However often it is refused, it is replayed once.
  if (r.attempts.size() + r.lost > 1) return Describe(r) + ": sent for a third time";
  if (before == 0) return {};
  if (!Idempotent(r.method)) return Describe(r) + ": sent again";
  return {};
}

}  // namespace weir::sim
