#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "core/net/reactor.h"
#include "core/observe/access_log_record.h"
#include "core/observe/log_writer.h"

namespace weir::observe {

// One worker's way to one destination. Lines gather in a block of 64 KiB that goes to the writer
// thread when it is full, and kFlushMs after its first line at the latest. Never blocks: lines for
// which there is no block are counted in access_log.dropped. Used on its worker only, and dies
// there before the reactor; the destructor flushes.
class AccessLogBuffer final : public net::Actor {
 public:
  static constexpr uint64_t kFlushMs = 200;

  // All must outlive it. `dates` may be shared by what runs on the worker.
  AccessLogBuffer(LogWriter* writer, LogFile* file, net::Reactor* reactor, DateCache* dates,
                  const AccessLogStats& stats);
  ~AccessLogBuffer() override;

  // Formats the line of a request that ended. Allocates only when the writer fell behind further
  // than ever before.
  void Log(const AccessLogRecord& record);
  // Appends whole lines that somebody else has written, at most kMaxAppended bytes of them. False:
  // there is no room, which is counted.
  bool Append(std::string_view lines);
  static constexpr size_t kMaxAppended = 65'000;
  // Hands over what is there: at drain and exit; else the deadline does it.
  void Flush();

  LogFile* file() const { return file_; }

 protected:
  void OnDeadline() override { Flush(); }

 private:
  // The block that has so much room; null: there is none.
  LogBlock* RoomFor(size_t size);
  void Added(uint32_t lines, LogBlock* block);

  LogWriter* writer_;
  LogFile* file_;
  net::Reactor* reactor_;
  DateCache* dates_;
  AccessLogStats stats_;
  LogChannel* channel_;
};

// The access logs of one worker: a buffer for each destination, whichever connection managers share
// it.
class WorkerAccessLogs {
 public:
  WorkerAccessLogs(LogWriter* writer, net::Reactor* reactor, DateCache* dates,
                   StatRegistry* registry, StatBlock* block);

  // The worker's buffer to a file of the writer; the same for the same file. Slow: when a worker
  // takes a configuration.
  AccessLogBuffer* Get(LogFile* file);
  // The same by a number that always stands for this file; fast after the first time.
  AccessLogBuffer* Get(size_t number, LogFile* file) {
    if (number < by_number_.size() && by_number_[number] != nullptr) return by_number_[number];
    if (number >= by_number_.size()) by_number_.resize(number + 1);
    return by_number_[number] = Get(file);
  }
  void FlushAll();

 private:
  LogWriter* writer_;
  net::Reactor* reactor_;
  DateCache* dates_;
  AccessLogStats stats_;
  std::vector<std::unique_ptr<AccessLogBuffer>> buffers_;
  std::vector<AccessLogBuffer*> by_number_;
};

}  // namespace weir::observe
