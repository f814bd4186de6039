// A list through its members' own links: no memory, and leaving costs two stores.
#pragma once

namespace weir::h2 {

struct ListLink {
  ListLink* next = this;
  ListLink* previous = this;

  ListLink() = default;
  ListLink(const ListLink&) = delete;
  ListLink& operator=(const ListLink&) = delete;

  bool linked() const { return next != this; }
  void Unlink() {
    next->previous = previous;
    previous->next = next;
    next = previous = this;
  }
};

template <class T, ListLink T::*kLink>
class IntrusiveList {
 public:
  bool empty() const { return !head_.linked(); }
  T* front() const { return empty() ? nullptr : Owner(head_.next); }
  T* next(const T* item) const {
    ListLink* link = (item->*kLink).next;
    return link == &head_ ? nullptr : Owner(link);
  }
  void PushBack(T* item) {
    ListLink* link = &(item->*kLink);
    link->previous = head_.previous;
    link->next = &head_;
    head_.previous->next = link;
    head_.previous = link;
  }

 private:
  // The link's place in T, without an object of T.
  static T* Owner(ListLink* link) {
    alignas(T) static char place[sizeof(T)];
    const T* at = reinterpret_cast<const T*>(place);
    const auto offset =
        reinterpret_cast<const char*>(&(at->*kLink)) - reinterpret_cast<const char*>(at);
    return reinterpret_cast<T*>(reinterpret_cast<char*>(link) - offset);
  }

  ListLink head_;
};

}  // namespace weir::h2
