#include "core/observe/access_log.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weir::observe {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class AccessLogTest : public testing::Test {
 protected:
  AccessLogTest() {
    char name[] = "/tmp/weir_access_log_XXXXXX";
    dir_ = mkdtemp(name);
    path_ = dir_ + "/access.log";
  }
  ~AccessLogTest() override {
    unlink(path_.c_str());
    unlink((path_ + ".1").c_str());
    rmdir(dir_.c_str());
  }

  static std::string Read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }
  static std::vector<std::string> Lines(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
  uint64_t Stat(const std::string& name) {
    return registry_.Sum(registry_.Define("access_log." + name, StatKind::kCounter));
  }
  // The writer is a thread of its own: looks until the condition holds, for 10 s.
  template <class Condition>
  static bool Eventually(Condition holds) {
    for (int i = 0; i < 10'000; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return holds();
  }
  LogFile* OpenFile(LogWriter* writer) {
    std::string error;
    LogFile* file = writer->Open(LogSink::kFile, path_, &error);
    EXPECT_EQ(error, "");
    return file;
  }
  AccessLogStats WorkerStats() { return BindAccessLogStats(&registry_, registry_.NewBlock()); }
  static AccessLogRecord Record(std::string_view path) {
    AccessLogRecord record;
    record.path = path;
    return record;
  }

  std::string dir_;
  std::string path_;
  StatRegistry registry_;
  net::Reactor reactor_{1'000};
  DateCache dates_;
};

TEST_F(AccessLogTest, LinesReachTheFileInOrderWhenFlushed) {
  LogWriter writer(&registry_);
  AccessLogBuffer log(&writer, OpenFile(&writer), &reactor_, &dates_, WorkerStats());
  log.Log(Record("/one"));
  log.Log(Record("/two"));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(Read(path_), "") << "lines gather first";
  log.Flush();
  ASSERT_TRUE(Eventually([&] { return Stat("written") == 2; }));
  const std::vector<std::string> lines = Lines(Read(path_));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0], HasSubstr("\"- /one -\""));
  EXPECT_THAT(lines[1], HasSubstr("\"- /two -\""));
  EXPECT_EQ(Stat("logged"), 2U);
}

TEST_F(AccessLogTest, DeadlineOfTheTurnFlushes) {
  LogWriter writer(&registry_);
  AccessLogBuffer log(&writer, OpenFile(&writer), &reactor_, &dates_, WorkerStats());
  EXPECT_EQ(log.deadline(), 0U) << "nothing to flush: the worker may sleep";
  log.Log(Record("/one"));
  EXPECT_EQ(log.deadline(), 1'000 + AccessLogBuffer::kFlushMs);
  reactor_.set_now(1'000 + AccessLogBuffer::kFlushMs + 16);
  reactor_.RunTurn();
  EXPECT_EQ(log.deadline(), 0U);
  EXPECT_TRUE(Eventually([&] { return Stat("written") == 1; }));
}

TEST_F(AccessLogTest, FullBlockGoesWithoutADeadline) {
  LogWriter writer(&registry_);
  AccessLogBuffer log(&writer, OpenFile(&writer), &reactor_, &dates_, WorkerStats());
  const std::string path(1'000, 'p');
  for (int i = 0; i < 70; ++i) log.Log(Record(path));
  EXPECT_TRUE(Eventually([&] { return Stat("written") > 50; }));
}

TEST_F(AccessLogTest, DestructorFlushesAndStopWritesWhatWasHandedOver) {
  LogWriter writer(&registry_);
  {
    AccessLogBuffer log(&writer, OpenFile(&writer), &reactor_, &dates_, WorkerStats());
    log.Log(Record("/last"));
  }
  writer.Stop();
  EXPECT_THAT(Read(path_), HasSubstr("/last"));
  EXPECT_EQ(Stat("dropped"), 0U);
}

TEST_F(AccessLogTest, FileIsAppendedTo) {
  std::ofstream(path_) << "before\n";
  LogWriter writer(&registry_);
  {
    AccessLogBuffer log(&writer, OpenFile(&writer), &reactor_, &dates_, WorkerStats());
    log.Log(Record("/x"));
  }
  writer.Stop();
  EXPECT_THAT(Read(path_), StartsWith("before\n["));
}

TEST_F(AccessLogTest, SamePathIsTheSameFile) {
  LogWriter writer(&registry_);
  std::string error;
  EXPECT_EQ(OpenFile(&writer), OpenFile(&writer));
  EXPECT_EQ(writer.Open(LogSink::kStderr, "", &error),
            writer.Open(LogSink::kFile, "/dev/stderr", &error));
  WorkerAccessLogs logs(&writer, &reactor_, &dates_, &registry_, registry_.NewBlock());
  EXPECT_EQ(logs.Get(OpenFile(&writer)), logs.Get(OpenFile(&writer)));
}

TEST_F(AccessLogTest, FileThatCannotBeOpenedIsNamedWithTheReason) {
  LogWriter writer(&registry_);
  std::string error;
  EXPECT_EQ(writer.Open(LogSink::kFile, dir_ + "/no/such.log", &error), nullptr);
  EXPECT_EQ(error, dir_ + "/no/such.log: No such file or directory");
  EXPECT_EQ(writer.Open(LogSink::kFile, dir_, &error), nullptr);
  EXPECT_THAT(error, EndsWith("Is a directory"));
}

TEST_F(AccessLogTest, ReopenWritesToANewFileOfTheSameName) {
  LogWriter writer(&registry_);
  AccessLogBuffer log(&writer, OpenFile(&writer), &reactor_, &dates_, WorkerStats());
  log.Log(Record("/old"));
  log.Flush();
  ASSERT_TRUE(Eventually([&] { return Stat("written") == 1; }));
  ASSERT_EQ(rename(path_.c_str(), (path_ + ".1").c_str()), 0);
  writer.Reopen();
  ASSERT_TRUE(Eventually([&] { return access(path_.c_str(), F_OK) == 0; }));
  log.Log(Record("/new"));
  log.Flush();
  ASSERT_TRUE(Eventually([&] { return Stat("written") == 2; }));
  EXPECT_THAT(Read(path_ + ".1"), HasSubstr("/old"));
  EXPECT_THAT(Read(path_), HasSubstr("/new"));
}

TEST_F(AccessLogTest, ReopenThatFailsKeepsTheOldFileAndIsCounted) {
  LogWriter writer(&registry_);
  AccessLogBuffer log(&writer, OpenFile(&writer), &reactor_, &dates_, WorkerStats());
  ASSERT_EQ(rename(path_.c_str(), (path_ + ".1").c_str()), 0);
  ASSERT_EQ(mkdir(path_.c_str(), 0700), 0);
  writer.Reopen();
  ASSERT_TRUE(Eventually([&] { return Stat("reopen_failed") == 1; }));
  log.Log(Record("/kept"));
  log.Flush();
  EXPECT_TRUE(Eventually([&] { return Stat("written") == 1; }));
  EXPECT_THAT(Read(path_ + ".1"), HasSubstr("/kept"));
  rmdir(path_.c_str());
}

// A pipe that nobody reads.
struct StuckPipe {
  StuckPipe() { EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0); }
  ~StuckPipe() { close(ends[0]); }  // the other end is the LogFile's
  int ends[2];
};

TEST_F(AccessLogTest, WorkerNeverWaitsForAStuckReaderAndCountsWhatItDrops) {
  StuckPipe pipe;
  LogWriter writer(&registry_);
  const std::string path(10'000, 'p');
  constexpr uint64_t kLines = 1'000;  // 10 MB
  {
    AccessLogBuffer log(&writer, writer.Add(LogFile::FromFd(pipe.ends[1])), &reactor_, &dates_,
                        WorkerStats());
    for (uint64_t i = 0; i < kLines; ++i) log.Log(Record(path));
  }
  EXPECT_GT(Stat("dropped"), kLines - 2 * LogChannel::kBlocks * LogBlock::kRoom / path.size());
  writer.Stop(50);
  EXPECT_EQ(Stat("logged"), kLines);
  EXPECT_EQ(Stat("written") + Stat("dropped"), kLines) << "each line is one or the other";
}

TEST_F(AccessLogTest, StuckDestinationHoldsUpNoOther) {
  StuckPipe pipe;
  LogWriter writer(&registry_);
  const std::string path(10'000, 'p');
  AccessLogBuffer stuck(&writer, writer.Add(LogFile::FromFd(pipe.ends[1])), &reactor_, &dates_,
                        WorkerStats());
  AccessLogBuffer good(&writer, OpenFile(&writer), &reactor_, &dates_, WorkerStats());
  for (int i = 0; i < 100; ++i) stuck.Log(Record(path));
  stuck.Flush();
  good.Log(Record("/good"));
  good.Flush();
  EXPECT_TRUE(Eventually([&] { return Read(path_).find("/good") != std::string::npos; }));
  writer.Stop(0);
}

TEST_F(AccessLogTest, SlowReaderGetsWholeLinesInTheEnd) {
  StuckPipe pipe;
  LogWriter writer(&registry_);
  auto log = std::make_unique<AccessLogBuffer>(&writer, writer.Add(LogFile::FromFd(pipe.ends[1])),
                                               &reactor_, &dates_, WorkerStats());
  constexpr int kLines = 300;
  for (int i = 0; i < kLines; ++i) log->Log(Record(std::string(1'000, 'p') + std::to_string(i)));
  log.reset();
  std::string text;
  char room[777];
  while (std::count(text.begin(), text.end(), '\n') < kLines) {
    const ssize_t n = read(pipe.ends[0], room, sizeof(room));
    ASSERT_GT(n, 0);
    text.append(room, static_cast<size_t>(n));
  }
  const std::vector<std::string> lines = Lines(text);
  for (int i = 0; i < kLines; ++i) {
    ASSERT_THAT(lines[static_cast<size_t>(i)], HasSubstr("p" + std::to_string(i) + " -\" 0 - "));
  }
}

TEST_F(AccessLogTest, ReaderThatGoesAwayIsAFailedWriteNotADeath) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  close(ends[0]);
  LogWriter writer(&registry_);
  AccessLogBuffer log(&writer, writer.Add(LogFile::FromFd(ends[1])), &reactor_, &dates_,
                      WorkerStats());
  log.Log(Record("/x"));
  log.Log(Record("/y"));
  log.Flush();
  EXPECT_TRUE(Eventually([&] { return Stat("write_failed") == 1; }));
  EXPECT_TRUE(Eventually([&] { return Stat("dropped") == 2; }));
}

TEST_F(AccessLogTest, FullDiskIsCountedAndTheTornLineStaysAlone) {
  // A file-size limit stands for the full disk: the write that crosses it is cut short, the next
  // fails.
  struct rlimit before {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  LogWriter writer(&registry_);
  LogFile* file = OpenFile(&writer);
  AccessLogBuffer log(&writer, file, &reactor_, &dates_, WorkerStats());
  log.Log(Record("/first"));
  log.Flush();
  ASSERT_TRUE(Eventually([&] { return Stat("written") == 1; }));
  const std::string first = Read(path_);
  const struct rlimit small { first.size() * 2 + 10, before.rlim_max };
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  for (int i = 0; i < 3; ++i) log.Log(Record("/fills"));
  log.Flush();
  EXPECT_TRUE(Eventually([&] { return Stat("dropped") == 2; }));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(Stat("write_failed"), 1U);
  EXPECT_EQ(Stat("written"), 2U);
  log.Log(Record("/after"));
  log.Flush();
  ASSERT_TRUE(Eventually([&] { return Stat("written") == 3; }));
  const std::vector<std::string> lines = Lines(Read(path_));
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_THAT(lines[0], HasSubstr("/first"));
  EXPECT_THAT(lines[1], HasSubstr("/fills"));
  EXPECT_EQ(lines[2].size(), 10U) << "what fitted of the line";
  EXPECT_THAT(lines[3], StartsWith("[1970"));
  EXPECT_THAT(lines[3], HasSubstr("/after"));
}

TEST_F(AccessLogTest, CutValuesAreCounted) {
  LogWriter writer(&registry_);
  AccessLogBuffer log(&writer, OpenFile(&writer), &reactor_, &dates_, WorkerStats());
  const std::string path(60'000, '\n');
  log.Log(Record(path));
  log.Log(Record("/short"));
  EXPECT_EQ(Stat("truncated"), 1U);
}

// Threads meet here: run under ThreadSanitizer.
TEST_F(AccessLogTest, WorkersShareAFileAndEachLineIsWhole) {
  constexpr int kWorkers = 3;
  constexpr int kLines = 2'000;
  LogWriter writer(&registry_);
  LogFile* file = OpenFile(&writer);
  std::vector<std::thread> workers;
  for (int w = 0; w < kWorkers; ++w) {
    workers.emplace_back([&, w] {
      net::Reactor reactor(1);
      DateCache dates;
      WorkerAccessLogs logs(&writer, &reactor, &dates, &registry_, registry_.NewBlock());
      AccessLogBuffer* log = logs.Get(file);
      for (int i = 0; i < kLines; ++i) {
        const std::string path = "/w" + std::to_string(w) + "/" + std::to_string(i);
        log->Log(Record(path));
        if (i % 100 == 0) logs.FlushAll();
        if (i % 500 == 0) writer.Reopen();
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  writer.Stop();
  std::map<std::string, int> next;
  uint64_t whole = 0;
  for (const std::string& line : Lines(Read(path_))) {
    char worker[8];
    int number = 0;
    ASSERT_EQ(
        sscanf(line.c_str(), "[1970-01-01T00:00:00.000Z] \"- /%7[^/]/%d -\" 0 -", worker, &number),
        2)
        << line;
    EXPECT_THAT(line, EndsWith("\"-\""));
    int& expected = next[worker];
    EXPECT_GE(number, expected) << "a worker's lines keep their order";
    expected = number + 1;
    ++whole;
  }
  EXPECT_EQ(whole, Stat("written"));
  EXPECT_EQ(Stat("written") + Stat("dropped"), uint64_t{kWorkers} * kLines);
}

}  // namespace
}  // namespace weir::observe
