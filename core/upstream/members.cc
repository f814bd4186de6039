#include "core/upstream/members.h"

#include <algorithm>
#include <utility>

#include "core/upstream/pool.h"

namespace weir::upstream {

MemberList ConfiguredMembers(const config::Cluster& cluster) {
  MemberList list;
  for (uint32_t i = 0; i < cluster.endpoints.size(); ++i) {
    const config::Endpoint& endpoint = cluster.endpoints[i];
    if (endpoint.lookup != config::Endpoint::Lookup::kNone) continue;
    Member member{i, endpoint.weight, {ToNetAddress(endpoint.address)}};
    for (const config::Address& more : endpoint.additional_addresses)
      member.addresses.push_back(ToNetAddress(more));
    list.members.push_back(std::move(member));
  }
  return list;
}

Members::Following::Following(std::shared_ptr<Members> members, Post post, Listener listener)
    : members_(std::move(members)),
      post_(std::move(post)),
      listener_(std::make_shared<Listener>(std::move(listener))) {}

Members::Following::~Following() {
  const std::lock_guard<std::mutex> lock(members_->mutex_);
  auto& all = members_->followers_;
  all.erase(std::find(all.begin(), all.end(), this));
}

bool Members::Publish(MemberList list) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (*list_ == list) return false;
  list_ = std::make_shared<const MemberList>(std::move(list));
  for (const Following* follower : followers_) {
    follower->post_([to = std::weak_ptr<Listener>(follower->listener_), list = list_] {
      if (const auto listener = to.lock()) (*listener)(list);
    });
  }
  return true;
}

Members::List Members::list() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return list_;
}

std::unique_ptr<Members::Following> Members::Follow(const std::shared_ptr<Members>& members,
                                                    Post post, Listener listener) {
  std::unique_ptr<Following> follower(new Following(members, std::move(post), std::move(listener)));
  List list;
  {
    const std::lock_guard<std::mutex> lock(members->mutex_);
    members->followers_.push_back(follower.get());
    list = members->list_;
  }
  (*follower->listener_)(list);
  return follower;
}

}  // namespace weir::upstream
