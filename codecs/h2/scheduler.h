// Which stream sends next (RFC 9218). Streams are gathered in groups, one for each client whose
// requests share the connection (a server's connection has one): groups take turns, a frame each.
// In a group the most urgent streams go first; of equal urgency one that asked to be sent whole is
// sent until it has nothing, and the others, those that said nothing included, take turns.
//
//   idle ──Enlist──► ready ──Next, Rotate or Remove──► ...
//                      └──Park──► parked ──UnparkAll──► ready
//
// Every step costs the same however many streams there are, but for UnparkAll.
#pragma once

#include <cstdint>

#include "codecs/h2/intrusive.h"
#include "codecs/h2/number_table.h"
#include "codecs/h2/stream.h"
#include "plugins/abi/weir.h"

namespace weir::h2 {

struct Group {
  using Streams = IntrusiveList<Stream, &Stream::ready_link>;

  uint32_t number = 0;   // weir_head.group
  uint32_t members = 0;  // streams that belong to it
  uint8_t levels = 0;    // bit u: urgency u has a ready stream
  bool whole_turn = true;
  ListLink turn_link;
  Streams whole[8];
  Streams shared[8];
};

class Scheduler {
 public:
  explicit Scheduler(const weir_codec_host* host) : host_(host), groups_(host) {}
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // The stream belongs to the group of that number from now on. False: no memory.
  bool Join(Stream* stream, uint32_t group);
  // The stream is over: it leaves its list and its group.
  void Leave(Stream* stream);

  // It has something to send.
  void Enlist(Stream* stream);
  // It has nothing to send, or must wait for its own window.
  void Remove(Stream* stream);
  // It has sent a frame and has more: whoever is next in its turn goes first.
  void Rotate(Stream* stream);
  // It has bytes and waits for the connection's window.
  void Park(Stream* stream);
  void UnparkAll();
  // A new priority (sections 4 and 7).
  void SetPriority(Stream* stream, uint8_t urgency, bool incremental);

  // Null: nobody can send.
  Stream* Next();
  bool empty() const { return turns_.empty(); }
  bool has_parked() const { return !parked_.empty(); }

 private:
  void Unlist(Stream* stream);
  static Group::Streams& ListOf(Stream* stream) {
    Group* group = stream->group;
    return stream->incremental ? group->shared[stream->urgency] : group->whole[stream->urgency];
  }

  const weir_codec_host* const host_;
  NumberTable<Group> groups_;
  IntrusiveList<Group, &Group::turn_link> turns_;  // groups with a ready stream
  IntrusiveList<Stream, &Stream::ready_link> parked_;
};

}  // namespace weir::h2
