#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/arena.h"
#include "core/base/log.h"
#include "core/http/hook_time.h"
#include "core/http/message.h"
#include "core/http/metadata.h"
#include "core/http/path.h"
#include "core/http/route/route.h"
#include "core/http/slice_queue.h"
#include "core/observe/response_flags.h"
#include "plugins/abi/weir.h"

namespace weir::http {

enum Direction : uint8_t { kRequest = 0, kResponse = 1 };

// One HTTP filter of a connection manager's configuration. Immutable, shared by the workers.
struct FilterEntry {
  const weir_http_filter_api* api = nullptr;
  void* config = nullptr;
  std::string name;     // in the chain; typed_per_filter_config refers to it
  std::string plugin;   // for the log and `plugin.<name>.errors`
  uint32_t errors = 0;  // counter id of weir_host.count
  bool disabled = false;
  // Nothing of it would ever be called, and so no stream has it (IsIdle).
  bool idle = false;
  uint8_t hooks = 0xff;  // kHooks* and kChanges*: what there is to call (HooksOf)
  HookStats time;
  // Of the line that its failures write; shared by the workers. Null: they write none.
  std::shared_ptr<base::LogThrottle> throttle;

  // A hook of a half, or a flag that changes it.
  static constexpr uint8_t HooksOfHalf(Direction d) {
    return static_cast<uint8_t>(d == kRequest ? 1 : 2);
  }
  static constexpr uint8_t kHooksInterim = 4;
  static constexpr uint8_t kHooksComplete = 8;
  static constexpr uint8_t kHooksDestroy = 16;
  // What may run when the answer's head has come.
  static constexpr uint8_t kHooksLater = 32;
  static constexpr uint8_t ChangesLength(Direction d) {
    return static_cast<uint8_t>(d == kRequest ? 64 : 128);
  }
  static uint8_t HooksOf(const weir_http_filter_api& api);
  // Whether the table has no function that a stream could call.
  static bool IsIdle(const weir_http_filter_api& api) {
    return api.create == nullptr && api.destroy == nullptr && HooksOf(api) == 0;
  }
};

// What a chain passes things on to: the stream.
class FilterChainOwner {
 public:
  virtual void OnChainHeaders(Direction direction, bool end_stream) = 0;
  virtual void OnChainData(Direction direction, SliceQueue* data, bool end_stream) = 0;
  virtual void OnChainTrailers(Direction direction) = 0;
  // A filter holds more than the buffer limit: 413 for a request, 500 for a response.
  virtual void OnChainOverflow(Direction direction) = 0;
  // A failure of a filter, for its counter.
  virtual void CountFailure(const FilterEntry& entry) = 0;
  // A hook failed, which is counted and in the log: the stream ends closed.
  virtual void OnChainFailure(const FilterEntry& entry) = 0;
  // Carries out a local reply or reset that a hook asked for. True: the stream does not go on this
  // way.
  virtual bool RunPendingAction() = 0;
  // For the filters' calls (filter_host.cc).
  virtual Message* ChainMessage(uint32_t which) = 0;
  virtual bool ChainWritable(uint32_t which) = 0;
  virtual void RequestLocalReply(uint32_t status, std::string_view body, const weir_field* extra,
                                 uint32_t count, std::string_view details) = 0;
  virtual void RequestReset() = 0;
  virtual void RequestResume() = 0;
  virtual uint64_t Ticket() = 0;
  // data() null: not known (yet). Views live as long as the stream, or until it changes.
  virtual std::string_view Attribute(uint32_t id) = 0;
  // The rules for a path that a filter sets: those of one that is received.
  virtual const PathOptions& ChainPathOptions() const = 0;
  // False: not known (yet).
  virtual bool Number(uint32_t id, int64_t* value) = 0;
  // What listener filters noted of the connection; data() null: nothing.
  virtual std::string_view ConnectionNote(std::string_view space, std::string_view key) = 0;
  virtual void AddFlag(observe::ResponseFlag flag) = 0;
  // A filter changes the request's path, which is still the old one.
  virtual void OnPathChange() = 0;
  // Finds the route anew; null: none matches.
  virtual const Route* RefreshRoute() = 0;
  // Body bytes that went past the filters and not yet away from this worker.
  virtual uint64_t BytesAhead(Direction direction) = 0;
  // Empty trailers for a message that has none; null: no room.
  virtual Message* MakeTrailers(Direction direction) = 0;

 protected:
  ~FilterChainOwner() = default;
};

class FilterChain;

// One filter on one stream: what a plugin's weir_stream points to.
struct FilterSlot {
  // What this filter withholds from those after it, in one direction.
  struct Half {
    bool headers = false;            // the headers
    bool all = false;                // everything, and it sees nothing more itself until resume
    bool data = false;               // the body so far
    bool trailers = false;           // the trailers
    bool trailers_shown = false;     // its trailers hook has run
    bool paused = false;             // over the limit the sender is paused
    bool end = false;                // the end of the body is in the buffer
    bool resume = false;             // asked for, to be carried out
    bool in_hook = false;            // a hook of this half runs
    bool in_headers = false;         // ... that of the headers
    bool made_trailers = false;      // behind the end of the body come trailers that it made
    SliceQueue* body = nullptr;      // what reached this filter and was not passed on
    SliceQueue* injected = nullptr;  // what it passes to those after it when its turn comes
    bool stopped() const { return headers || all || data || trailers; }
  };
  FilterSlot() = default;
  // Member by member: the compiler zeroes a whole object of this size by a slow instruction.
  FilterSlot(FilterChain* c, const FilterEntry* e, void* state, void* of_route, uint64_t most)
      : chain(c), entry(e), self(state), route_config(of_route), limit{most, most} {}

  FilterChain* chain = nullptr;
  const FilterEntry* entry = nullptr;
  void* self = nullptr;
  void* route_config = nullptr;
  bool length_set[2] = {};  // this filter set the announced length itself
  uint32_t quick = 0;       // its hooks that took no time of note, until Destroy counts them
  uint64_t limit[2] = {};   // of what it may withhold
  Half half[2];
};

// The plugin filters of one stream, with Envoy's meaning of continue, stop, buffer and resume.
// Requests pass them in order, responses in reverse. Every filter has its own buffer, so that what
// one withholds cannot hide what another one withholds, and what a filter sees of the body is one
// coherent piece: all that arrived and did not go by, the present chunk included.
//
// A filter with a data hook and no trailers hook is told of the end of the body when trailers come
// (a data hook with end_stream): one that waits for the end neither misses it nor can be passed by
// with trailers.
//
// A direction is closed when a hook failed, asked for a local reply or reset, or held too much:
// nothing more of it reaches anybody, unless the owner starts it anew with Headers (a local reply
// on its way through the response hooks).
class FilterChain {
 public:
  FilterChain(FilterChainOwner* owner, base::Arena* arena, base::SlabPool* pool)
      : owner_(owner), arena_(arena), pool_(pool) {}
  ~FilterChain() { Destroy(); }
  FilterChain(const FilterChain&) = delete;
  FilterChain& operator=(const FilterChain&) = delete;

  // Makes the filters that run for this route. False: one could not be made; the stream must not go
  // on.
  bool Build(const std::vector<FilterEntry>& entries, const Route* route, uint32_t buffer_limit);
  bool empty() const { return count_ == 0; }

  // Starts a direction, also over again: what filters held of an earlier message is dropped.
  void Headers(Direction direction, bool end_stream);
  // Takes the bytes, all of them.
  void Data(Direction direction, SliceQueue* data, bool end_stream);
  void Trailers(Direction direction);
  // 1xx: only filters with the hook see them. False: a filter failed.
  bool Interim();
  void RunResumes();
  void Complete();
  void Destroy();
  // The stream is over for the filters: no hook but complete and destroy is called any more.
  void Kill() { dead_ = true; }
  // No more of this direction reaches a filter or the owner, resumed or not; what was held is
  // dropped. For an owner who answers in place of the backend, or past the filters.
  void Close(Direction direction);

  // True when a piece of the body may go past the chain: no filter has to do with this half. Counts
  // it as Data does.
  bool Skips(Direction direction, bool end_stream) {
    if (!Quiet(direction) || dead_ || closed_[direction]) return false;
    if (end_stream) EndAt(direction, EndOf(direction));
    return true;
  }

  // Bytes beyond the buffer limit that filters hold with the sender paused (watermark), which must
  // not be credited.
  uint64_t HeldBytes(Direction direction) const;
  bool ChangesLength(Direction direction) const {
    return (hooks_ & FilterEntry::ChangesLength(direction)) != 0;
  }
  // Whether a filter may still look at an answer whose head comes now: in a hook, or in a late
  // call, for which it must have taken a ticket by now.
  bool MayLookAtResponse() const {
    return (hooks_ & FilterEntry::kHooksLater) != 0 || ticket_ != 0;
  }

  FilterChainOwner* owner() const { return owner_; }
  // The request, without asking the owner; null before Build
  // and in an empty chain.
  Message* request() const { return request_; }
  // For the calls that ask the owner for a local reply or a reset, before they do.
  void NoteAction() { action_asked_ = true; }
  SliceQueue* Body(FilterSlot* slot, Direction direction);
  // The notes of the stream's filters.
  Metadata& notes() { return notes_; }
  base::Arena* arena() { return arena_; }
  // See weir_http_api, whose rules about when they may be asked for are checked here.
  int32_t RefreshRoute(FilterSlot* slot);
  bool MayInject(const FilterSlot* slot, Direction direction) const;
  int32_t Inject(FilterSlot* slot, Direction direction, std::string_view data);
  int32_t AddTrailers(FilterSlot* slot, Direction direction);
  // A filter asked to go on, from a hook or later.
  bool AskResume(FilterSlot* slot, Direction direction);
  // The number under which late calls find this chain; from its first use until Destroy it is
  // registered on this thread.
  uint64_t TakeTicket();
  static FilterChain* FromTicket(uint64_t ticket);
  bool dead() const { return dead_; }
  // The headers came with the end of their message.
  bool bodiless(Direction direction) const { return bodiless_[direction]; }
  // Where content-length is written when a filter asks for it: 20 bytes for each direction.
  char* length_text(Direction direction) { return length_text_[direction]; }
  FilterSlot* slot(uint32_t i) { return &slots_[i]; }
  uint32_t IndexOf(const FilterSlot* slot) const { return static_cast<uint32_t>(slot - slots_); }
  uint32_t count() const { return count_; }
  // The filter that withholds something of a direction, the first of them on its way; null: none.
  const FilterEntry* Withholder(Direction direction) const;

 private:
  int Next(Direction d, int i) const { return d == kRequest ? i + 1 : i - 1; }
  int EndOf(Direction d) const { return d == kRequest ? static_cast<int>(count_) : -1; }
  // No filter has a hook of this half, nor did one pass anything on: none withholds anything.
  bool Quiet(Direction d) const { return (hooks_ & FilterEntry::HooksOfHalf(d)) == 0; }
  int First(Direction d) const {
    if (Quiet(d)) return EndOf(d);
    return d == kRequest ? 0 : static_cast<int>(count_) - 1;
  }
  bool In(int i) const { return static_cast<uint32_t>(i) < count_; }  // -1 is not

  // How many filters come before this one on the direction's way.
  int Step(Direction d, int i) const {
    return d == kRequest ? i : static_cast<int>(count_) - 1 - i;
  }
  // The headers, or the end of the message, have come to filter i; to the owner: i is not In.
  void HeadersAt(Direction d, int i, bool end) {
    headers_step_[d] = Step(d, i);
    if (end) end_step_[d] = headers_step_[d];
  }
  void EndAt(Direction d, int i) { end_step_[d] = Step(d, i); }
  uint64_t BytesAhead(const FilterSlot* slot, Direction d) const;
  // False: iteration must not go on.
  bool SendInjected(Direction d, int i);
  bool MakeSlots(ptrdiff_t most);
  bool Add(const FilterEntry& entry, void* route_config, uint32_t buffer_limit);
  bool Create(FilterSlot* slot);
  [[gnu::noinline]] void Fail(const FilterSlot& slot, const char* hook, int32_t status);
  void Blame(const FilterEntry& entry, const char* hook, int32_t status);
  template <class Hook, class... Args>
  int32_t Call(Hook hook, FilterSlot& slot, Direction d, Args... args);

  void PassHeaders(Direction d, int i, bool end);
  void PassData(Direction d, int i, SliceQueue* data, bool end);
  void PassTrailers(Direction d, int i);
  bool LastData(Direction d, int i);
  void Resume(Direction d, int i);
  void Release(Direction d, int i);
  void DropTicket();
  static void DropQueues(FilterSlot* slot);
  void ForgetLength(Direction d, const FilterSlot& slot, bool end);
  // True when iteration must not go on.
  // `hooks`: the names of the hook in both directions.
  bool AfterHook(Direction d, const FilterSlot& slot, const char* const* hooks, int32_t status);
  void HoldHeaders(Direction d, int i, bool end, int32_t status);
  void PassWithTrailers(Direction d, int i, SliceQueue* data);
  bool OverLimit(Direction d, const FilterSlot& slot);
  void Overflow(Direction d);
  bool Going(Direction d, uint32_t run) const { return !dead_ && !closed_[d] && run_[d] == run; }

  FilterChainOwner* owner_;
  base::Arena* arena_;
  base::SlabPool* pool_;
  FilterSlot* slots_ = nullptr;
  uint32_t count_ = 0;
  bool dead_ = false;
  bool completed_ = false;
  bool has_queues_ = false;    // some slot has a body or injected
  bool action_asked_ = false;  // a hook or a late call asked for a local reply or reset
  uint8_t hooks_ = 0;          // of all filters: FilterEntry::hooks
  bool closed_[2] = {};
  uint32_t run_[2] = {};  // how often the direction was started
  bool bodiless_[2] = {};
  int headers_step_[2] = {};
  int end_step_[2] = {-1, -1};  // -1: the end has not come
  const FilterEntry* entries_ = nullptr;
  Message* request_ = nullptr;
  Metadata notes_;
  char length_text_[2][20] = {};
  uint64_t ticket_ = 0;  // 0: none was taken
};

// The stream, as the ticket's filter sees it; null when it has ended or is not of this thread.
weir_stream* StreamOfTicket(weir_ticket ticket);

// The functions that HTTP filters call.
const weir_http_api* HttpFilterHostTable();

}  // namespace weir::http
