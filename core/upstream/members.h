#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "core/config/config.h"
#include "core/net/address.h"

namespace weir::upstream {

// An endpoint that a cluster has at present.
struct Member {
  // Of config::Cluster::endpoints, which says its name: several members may have come of one name.
  uint32_t endpoint = 0;
  uint32_t weight = 1;
  // Never empty. Connections go to the first one; when it cannot be connected, to the next.
  std::vector<net::Address> addresses;

  friend bool operator==(const Member&, const Member&) = default;
};

struct MemberList {
  // An endpoint is one host, whatever addresses it has; else each address is a host of its own.
  bool by_endpoint = true;
  std::vector<Member> members;

  friend bool operator==(const MemberList&, const MemberList&) = default;
};

// What the configuration alone says: endpoints that are looked up while the proxy runs are not in
// it.
MemberList ConfiguredMembers(const config::Cluster& cluster);

// The members of one cluster, for all threads: who finds them out publishes them, and each worker
// follows. Lives as long as somebody needs it: a cluster that outlives a configuration keeps it.
class Members {
 public:
  using List = std::shared_ptr<const MemberList>;
  // Runs work on the follower's thread, later; not at all once that thread's loop has ended.
  using Post = std::function<void(std::function<void()>)>;
  using Listener = std::function<void(const List&)>;

  // What one thread has to say to stay up to date. Ends with this object, which belongs to that
  // thread: the listener is not called any more then.
  class Following {
   public:
    ~Following();
    Following(const Following&) = delete;
    Following& operator=(const Following&) = delete;

   private:
    friend class Members;
    Following(std::shared_ptr<Members> members, Post post, Listener listener);

    std::shared_ptr<Members> members_;
    Post post_;
    // What was posted may come after the end of this object.
    std::shared_ptr<Listener> listener_;
  };

  explicit Members(MemberList list) : list_(std::make_shared<const MemberList>(std::move(list))) {}

  // Any thread. A list that is the present one again reaches nobody; true: it was another one.
  bool Publish(MemberList list);
  List list() const;
  // The listener is called with the present list before this returns.
  static std::unique_ptr<Following> Follow(const std::shared_ptr<Members>& members, Post post,
                                           Listener listener);

 private:
  mutable std::mutex mutex_;
  List list_;
  std::vector<Following*> followers_;
};

}  // namespace weir::upstream
