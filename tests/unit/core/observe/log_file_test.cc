#include "core/observe/log_file.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace weir::observe {
namespace {

class LogFileTest : public testing::Test {
 protected:
  LogFileTest() {
    EXPECT_EQ(pipe2(ends_, O_CLOEXEC), 0);
    file_ = LogFile::FromFd(ends_[1]);
    stats_ = BindAccessLogStats(&registry_, registry_.main_block());
  }
  ~LogFileTest() override { close(ends_[0]); }

  static void HandOver(LogChannel* channel, const std::string& text) {
    LogBlock* block = channel->Current();
    std::memcpy(block->text, text.data(), text.size());
    block->size = static_cast<uint32_t>(text.size());
    for (const char c : text) block->lines += c == '\n' ? 1 : 0;
    channel->HandOver();
  }
  std::string ReadSome(size_t most) {
    std::string text(most, '\0');
    const ssize_t n = read(ends_[0], text.data(), most);
    text.resize(n < 0 ? 0 : static_cast<size_t>(n));
    return text;
  }

  int ends_[2];
  std::unique_ptr<LogFile> file_;
  StatRegistry registry_;
  AccessLogStats stats_;
};

TEST_F(LogFileTest, BlockThatWasCutGoesOnWhereItStoppedAndNoOtherComesBetween) {
  LogChannel* one = file_->NewChannel();
  LogChannel* two = file_->NewChannel();
  const std::string large = std::string(40'000, 'a') + "\n";
  for (int i = 0; i < 3; ++i) HandOver(one, large);
  HandOver(two, "b\n");
  std::string text;
  ASSERT_EQ(file_->Drain(&stats_), LogFile::Progress::kBlocked);
  while (file_->Drain(&stats_) == LogFile::Progress::kBlocked) text += ReadSome(10'000);
  while (text.size() < 3 * large.size() + 2) text += ReadSome(100'000);
  EXPECT_EQ(text, large + large + large + "b\n");
  EXPECT_EQ(stats_.written->value(), 4U);
}

TEST(LogFileCheck, MakesNoFileAndKnowsWhetherOneCouldBeMade) {
  char directory[] = "/tmp/weir-log-file-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  const std::string path = std::string(directory) + "/log";
  std::string error;
  EXPECT_NE(LogFile::Check(LogSink::kFile, path, &error), nullptr) << error;
  EXPECT_NE(access(path.c_str(), F_OK), 0);
  EXPECT_EQ(LogFile::Check(LogSink::kFile, path + "/below", &error), nullptr);
  EXPECT_NE(error.find(path + "/below"), std::string::npos);
  EXPECT_EQ(LogFile::Check(LogSink::kFile, directory, &error), nullptr);
  EXPECT_NE(LogFile::Open(LogSink::kFile, path, &error), nullptr) << error;
  EXPECT_EQ(access(path.c_str(), F_OK), 0);
  EXPECT_NE(LogFile::Check(LogSink::kFile, path, &error), nullptr) << error;
  unlink(path.c_str());
  rmdir(directory);
}

TEST_F(LogFileTest, ChannelGoesOnceItIsClosedAndEmpty) {
  LogChannel* one = file_->NewChannel();
  LogChannel* two = file_->NewChannel();
  file_->Drain(&stats_);
  EXPECT_EQ(file_->channels(), 2U);
  HandOver(one, "last\n");
  one->Close();
  EXPECT_EQ(file_->Drain(&stats_), LogFile::Progress::kIdle);
  EXPECT_EQ(file_->channels(), 1U);
  EXPECT_EQ(ReadSome(100), "last\n");
  HandOver(two, "x\n");
  file_->Drain(&stats_);
  EXPECT_EQ(ReadSome(100), "x\n");
}

TEST_F(LogFileTest, DiscardCountsEachLineThatWasNotWritten) {
  LogChannel* channel = file_->NewChannel();
  std::string lines;
  for (int i = 0; i < 60; ++i) lines += std::string(1'000, 'a') + "\n";
  for (int i = 0; i < 3; ++i) HandOver(channel, lines);
  ASSERT_EQ(file_->Drain(&stats_), LogFile::Progress::kBlocked);
  file_->Discard(&stats_);
  EXPECT_EQ(stats_.written->value() + stats_.dropped->value(), 180U);
  EXPECT_GT(stats_.written->value(), 60U);
  EXPECT_GT(stats_.dropped->value(), 60U);
  EXPECT_EQ(file_->Drain(&stats_), LogFile::Progress::kIdle);
}

}  // namespace
}  // namespace weir::observe
