#include "core/net/reactor.h"

#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::net {
namespace {

using testing::ElementsAre;

std::vector<std::string> trace;

class Tracer : public Actor {
 public:
  explicit Tracer(std::string name) : name_(std::move(name)) {}
  ~Tracer() override { trace.push_back(name_ + " dies"); }
  std::function<void()> deferred, read, flush, deadline_passed;

 private:
  void Run(const char* what, const std::function<void()>& then) {
    trace.push_back(name_ + " " + what);
    if (then) then();
  }
  void OnDeferred() override { Run("deferred", deferred); }
  void OnRead() override { Run("read", read); }
  void OnFlush() override { Run("flush", flush); }
  void OnDeadline() override { Run("deadline", deadline_passed); }

  std::string name_;
};

class ReactorTest : public testing::Test {
 protected:
  void SetUp() override { trace.clear(); }
  Reactor reactor_{1000};
};

TEST_F(ReactorTest, ATurnReadsDefersFlushesAndReapsInThisOrder) {
  auto* a = new Tracer("a");
  reactor_.MarkDirty(a);
  reactor_.Defer(a);
  reactor_.WantRead(a);
  a->flush = [&] { reactor_.Retire(a); };
  EXPECT_FALSE(reactor_.RunTurn());
  EXPECT_THAT(trace, ElementsAre("a read", "a deferred", "a flush", "a dies"));
}

TEST_F(ReactorTest, EachListHoldsAnActorOnce) {
  Tracer a("a");
  for (int i = 0; i < 3; ++i) {
    reactor_.Defer(&a);
    reactor_.MarkDirty(&a);
  }
  reactor_.RunTurn();
  EXPECT_THAT(trace, ElementsAre("a deferred", "a flush"));
}

TEST_F(ReactorTest, AFailedFlushBecomesDeferredWorkOfTheSameTurn) {
  Tracer a("a"), b("b");
  reactor_.MarkDirty(&a);
  a.flush = [&] { reactor_.Defer(&b); };
  b.deferred = [&] { reactor_.MarkDirty(&b); };
  EXPECT_FALSE(reactor_.RunTurn());
  EXPECT_THAT(trace, ElementsAre("a flush", "b deferred", "b flush"));
}

TEST_F(ReactorTest, WorkThatBreedsWorkWaitsForTheNextTurnAtLast) {
  Tracer a("a");
  a.deferred = [&] { reactor_.Defer(&a); };
  reactor_.Defer(&a);
  EXPECT_TRUE(reactor_.RunTurn());
  EXPECT_EQ(trace.size(), 8u);
  EXPECT_EQ(reactor_.WaitMs(), 0u);
}

TEST_F(ReactorTest, AReadThatWantsAnotherReadGetsItInTheNextTurn) {
  Tracer a("a");
  a.read = [&] { reactor_.WantRead(&a); };
  reactor_.WantRead(&a);
  EXPECT_TRUE(reactor_.RunTurn());
  EXPECT_THAT(trace, ElementsAre("a read"));
  EXPECT_EQ(reactor_.WaitMs(), 0u);
}

TEST_F(ReactorTest, DirtThatIsLeftOverMakesTheLoopPoll) {
  Tracer a("a");
  a.flush = [&] { reactor_.MarkDirty(&a); };
  reactor_.MarkDirty(&a);
  EXPECT_TRUE(reactor_.RunTurn());
  EXPECT_EQ(reactor_.WaitMs(), 0u);
}

TEST_F(ReactorTest, TheRetiredAreCalledNoMoreAndDieAtTheTurnsEnd) {
  auto* a = new Tracer("a");
  Tracer b("b");
  reactor_.Defer(&b);
  reactor_.Defer(a);
  reactor_.MarkDirty(a);
  reactor_.SetDeadline(a, 1);
  b.deferred = [&] {
    reactor_.Retire(a);
    reactor_.Retire(a);
    trace.push_back("retired");
  };
  reactor_.RunTurn();
  EXPECT_THAT(trace, ElementsAre("b deferred", "retired", "a dies"));
}

TEST_F(ReactorTest, TheRetiredCannotBeListedAgain) {
  auto* a = new Tracer("a");
  reactor_.Retire(a);
  reactor_.Defer(a);
  reactor_.MarkDirty(a);
  reactor_.WantRead(a);
  reactor_.SetDeadline(a, 1);
  reactor_.set_now(5000);
  EXPECT_FALSE(reactor_.RunTurn());
  EXPECT_THAT(trace, ElementsAre("a dies"));
  EXPECT_EQ(reactor_.WaitMs(), UINT64_MAX);
}

TEST_F(ReactorTest, WhatADestructorRetiresDiesToo) {
  auto* a = new Tracer("a");
  class Parent : public Actor {
   public:
    Parent(Reactor* reactor, Actor* child) : reactor_(reactor), child_(child) {}
    ~Parent() override { reactor_->Retire(child_); }

   private:
    Reactor* reactor_;
    Actor* child_;
  };
  reactor_.Retire(new Parent(&reactor_, a));
  reactor_.RunTurn();
  EXPECT_THAT(trace, ElementsAre("a dies"));
}

TEST_F(ReactorTest, ALargeBatchIsFlushedOnTheWay) {
  Tracer a("a");
  reactor_.MarkDirty(&a);
  for (int i = 0; i < 63; ++i) reactor_.CountDispatch();
  EXPECT_TRUE(trace.empty());
  reactor_.CountDispatch();
  EXPECT_THAT(trace, ElementsAre("a flush"));
}

TEST_F(ReactorTest, DeadlinesPassInTheTurnAndTheirWorkIsDoneInIt) {
  Tracer a("a");
  a.deadline_passed = [&] { reactor_.MarkDirty(&a); };
  reactor_.SetDeadline(&a, 1100);
  EXPECT_GE(reactor_.WaitMs(), 100u);
  EXPECT_LE(reactor_.WaitMs(), 116u);
  reactor_.set_now(1099);
  reactor_.RunTurn();
  EXPECT_TRUE(trace.empty());
  reactor_.set_now(1120);
  reactor_.RunTurn();
  EXPECT_THAT(trace, ElementsAre("a deadline", "a flush"));
}

TEST_F(ReactorTest, TheRetiredDieWithTheReactor) {
  {
    Reactor reactor(0);
    reactor.Retire(new Tracer("a"));
  }
  EXPECT_THAT(trace, ElementsAre("a dies"));
}

}  // namespace
}  // namespace weir::net
