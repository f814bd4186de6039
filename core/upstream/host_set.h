#pragma once

#include <memory>
#include <vector>

#include "core/config/config.h"
#include "core/upstream/host.h"
#include "core/upstream/members.h"

namespace weir::upstream {

// The hosts of a cluster on one worker, while its members come and go. A host that stays keeps its
// state, whatever happens to the others; one that is gone is in no list any more and lives on until
// nothing is left of it: until a later Update finds it without connections and waiting requests.
class HostSet {
 public:
  // Begins with what the configuration says. It must outlive the set.
  explicit HostSet(const config::Cluster* cluster);

  const std::vector<Host*>& list() const { return list_; }
  // Makes these the hosts; a gone host that is back is taken up again. Returns those that are gone
  // now: whoever has something of theirs idle ends it, and lets who waits for one look elsewhere.
  std::vector<Host*> Update(const MemberList& members);
  size_t gone() const { return gone_.size(); }

 private:
  std::unique_ptr<Host> Take(std::vector<std::unique_ptr<Host>>* from, const Member& member,
                             bool by_endpoint);
  void Refresh(Host* host, const Member& member);
  void SpreadTurns();

  const config::Cluster* cluster_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<Host*> list_;
  std::vector<std::unique_ptr<Host>> gone_;
};

}  // namespace weir::upstream
