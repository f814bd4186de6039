#pragma once

#include <cassert>

namespace weir::base {

// A link that an object carries for each list it can be in. Unlinks itself when it dies, so a list
// never holds a dead object.
class ListNode {
 public:
  ListNode() = default;
  ~ListNode() { Unlink(); }
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;

  bool linked() const { return next_ != nullptr; }

  void Unlink() {
    if (next_ == nullptr) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    prev_ = next_ = nullptr;
  }

 private:
  template <class T, ListNode T::*>
  friend class List;

  void InsertBefore(ListNode* at) {
    assert(!linked());
    prev_ = at->prev_;
    next_ = at;
    at->prev_->next_ = this;
    at->prev_ = this;
  }

  ListNode* prev_ = nullptr;
  ListNode* next_ = nullptr;
};

// A doubly linked list through a member of its objects. Owns nothing; every operation is O(1).
template <class T, ListNode T::*kMember>
class List {
 public:
  List() { head_.prev_ = head_.next_ = &head_; }
  ~List() {
    while (!empty()) PopFront();
    head_.prev_ = head_.next_ = nullptr;
  }
  List(const List&) = delete;
  List& operator=(const List&) = delete;

  bool empty() const { return head_.next_ == &head_; }
  T* front() { return empty() ? nullptr : Owner(head_.next_); }
  T* back() { return empty() ? nullptr : Owner(head_.prev_); }
  T* next(T* object) {
    ListNode* n = (object->*kMember).next_;
    return n == &head_ ? nullptr : Owner(n);
  }

  void PushBack(T* object) { (object->*kMember).InsertBefore(&head_); }
  void PushFront(T* object) { (object->*kMember).InsertBefore(head_.next_); }
  T* PopFront() {
    T* object = front();
    if (object != nullptr) (object->*kMember).Unlink();
    return object;
  }
  // Moves everything of `other` to the end of this list.
  void Splice(List* other) {
    if (other->empty()) return;
    ListNode* first = other->head_.next_;
    ListNode* last = other->head_.prev_;
    first->prev_ = head_.prev_;
    head_.prev_->next_ = first;
    last->next_ = &head_;
    head_.prev_ = last;
    other->head_.prev_ = other->head_.next_ = &other->head_;
  }

 private:
  static T* Owner(ListNode* node) {
    // offsetof through a member pointer: the object is never touched, only its layout.
    alignas(T) static char probe[sizeof(T)];
    T* base = reinterpret_cast<T*>(probe);
    const auto offset = reinterpret_cast<char*>(&(base->*kMember)) - probe;
    return reinterpret_cast<T*>(reinterpret_cast<char*>(node) - offset);
  }

  ListNode head_;
};

}  // namespace weir::base
