#include "core/observe/access_log.h"

#include <algorithm>
#include <cstring>

namespace weir::observe {

static_assert(kMaxAccessLogLine <= LogBlock::kRoom, "a line fits into an empty block");
static_assert(AccessLogBuffer::kMaxAppended <= LogBlock::kRoom);

AccessLogBuffer::AccessLogBuffer(LogWriter* writer, LogFile* file, net::Reactor* reactor,
                                 DateCache* dates, const AccessLogStats& stats)
    : writer_(writer),
      file_(file),
      reactor_(reactor),
      dates_(dates),
      stats_(stats),
      channel_(file->NewChannel()) {}

AccessLogBuffer::~AccessLogBuffer() {
  Flush();
  channel_->Close();
  writer_->Wake();  // so that the channel goes
}

LogBlock* AccessLogBuffer::RoomFor(size_t size) {
  LogBlock* block = channel_->Current();
  if (block != nullptr && LogBlock::kRoom - block->size < size) {
    Flush();
    block = channel_->Current();
  }
  return block;
}

void AccessLogBuffer::Added(uint32_t lines, LogBlock* block) {
  block->lines += lines;
  if (deadline() == 0) reactor_->SetDeadline(this, reactor_->now_ms() + kFlushMs);
}

void AccessLogBuffer::Log(const AccessLogRecord& record) {
  stats_.logged->Add();
  LogBlock* block = RoomFor(AccessLogLineBound(record));
  if (block == nullptr) {
    stats_.dropped->Add();
    return;
  }
  char* room = block->text + block->size;
  const FormattedLine line = FormatAccessLogLine(record, dates_, room);
  if (line.truncated) stats_.truncated->Add();
  block->size += static_cast<uint32_t>(line.end - room);
  Added(1, block);
}

bool AccessLogBuffer::Append(std::string_view lines) {
  const auto count = static_cast<uint32_t>(std::count(lines.begin(), lines.end(), '\n'));
  stats_.logged->Add(count);
  LogBlock* block = RoomFor(lines.size());
  if (block == nullptr) {
    stats_.dropped->Add(count);
    return false;
  }
  std::memcpy(block->text + block->size, lines.data(), lines.size());
  block->size += static_cast<uint32_t>(lines.size());
  Added(count, block);
  return true;
}

void AccessLogBuffer::Flush() {
  const LogBlock* block = channel_->Current();
  if (block == nullptr || block->lines == 0) return;
  channel_->HandOver();
  writer_->Wake();
}

WorkerAccessLogs::WorkerAccessLogs(LogWriter* writer, net::Reactor* reactor, DateCache* dates,
                                   StatRegistry* registry, StatBlock* block)
    : writer_(writer),
      reactor_(reactor),
      dates_(dates),
      stats_(BindAccessLogStats(registry, block)) {}

AccessLogBuffer* WorkerAccessLogs::Get(LogFile* file) {
  for (const auto& buffer : buffers_) {
    if (buffer->file() == file) return buffer.get();
  }
  return buffers_
      .emplace_back(std::make_unique<AccessLogBuffer>(writer_, file, reactor_, dates_, stats_))
      .get();
}

void WorkerAccessLogs::FlushAll() {
  for (const auto& buffer : buffers_) buffer->Flush();
}

}  // namespace weir::observe
