// Bytes that a filter passes on between its hooks, trailers that it makes, failures that leave as
// exceptions.

#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "core/http/filter_chain.h"
#include "tests/support/scripted_filters.h"

namespace weir::http {
namespace {

using test::ChainOwner;
using test::FilterScript;

const weir_http_api& api() {
  return *HttpFilterHostTable();
}

class Late : public testing::TestWithParam<Direction> {
 protected:
  Direction d() const { return GetParam(); }
  uint32_t trailers() const {
    return d() == kRequest ? WEIR_REQUEST_TRAILERS : WEIR_RESPONSE_TRAILERS;
  }
  // Writes down what it sees.
  FilterScript Watcher(std::string* log) {
    FilterScript s;
    const auto headers = [log](weir_stream*, bool end) {
      return *log += end ? "h!" : "h", WEIR_CONTINUE;
    };
    const auto data = [this, log](weir_stream* x, bool end) {
      *log += "[";
      uint64_t at = 0;
      for (weir_view v; (v = api().body_piece(x, d(), at)).size > 0; at += v.size)
        log->append(v.data, v.size);
      return *log += end ? "!]" : "]", WEIR_CONTINUE;
    };
    const auto trailers = [log](weir_stream*) { return *log += "t", WEIR_CONTINUE; };
    s.request_headers = s.response_headers = headers;
    s.request_data = s.response_data = data;
    s.request_trailers = s.response_trailers = trailers;
    return s;
  }
  // A filter whose data hook is this one, in both directions.
  FilterScript Filter(FilterScript::EndHook data = nullptr) {
    FilterScript s;
    s.create = [this](weir_stream* x) { return stream_ = x, WEIR_OK; };
    s.request_data = s.response_data = std::move(data);
    return s;
  }
  // Made so that `first` comes before `second` on this direction's way.
  FilterChain& Make(FilterScript* first, FilterScript* second) {
    owner_.has_trailers = false;
    if (d() == kRequest) return owner_.Make({first, second}, 1000);
    return owner_.Make({second, first}, 1000);
  }
  int32_t Inject(std::string_view text) { return api().inject(stream_, d(), View(text)); }
  std::string& out() { return owner_.out[d()]; }

  ChainOwner owner_;
  weir_stream* stream_ = nullptr;
};
INSTANTIATE_TEST_SUITE_P(Direction, Late, testing::Values(kRequest, kResponse), [](const auto& i) {
  return std::string(i.param == kRequest ? "Request" : "Response");
});

TEST_P(Late, InjectedBytesGoToTheLaterFiltersInTheNextTurn) {
  std::string before, after;
  FilterScript first = Watcher(&before), mine = Filter(), last = Watcher(&after);
  owner_.has_trailers = false;
  FilterChain& chain =
      d() == kRequest ? owner_.Make({&first, &mine, &last}) : owner_.Make({&last, &mine, &first});
  EXPECT_EQ(Inject("x"), WEIR_REFUSED) << "the headers have not come";
  chain.Headers(d(), false);
  EXPECT_EQ(Inject("one"), WEIR_OK);
  EXPECT_EQ(Inject(" two"), WEIR_OK);
  EXPECT_EQ(Inject(""), WEIR_OK);
  EXPECT_EQ(after, "h") << "no hook runs inside of a call";
  owner_.Deferred();
  EXPECT_EQ(after, "h[one two]");
  EXPECT_EQ(before, "h");
  owner_.Data(d(), "three", true);
  EXPECT_EQ(out(), "H[one two][three]!");
  EXPECT_EQ(Inject("x"), WEIR_REFUSED) << "the end has gone by";
}

TEST_P(Late, WhatComesMeanwhileDoesNotOvertake) {
  FilterScript mine = Filter([](weir_stream*, bool) { return WEIR_CONTINUE; }), none;
  FilterChain& chain = Make(&mine, &none);
  chain.Headers(d(), false);
  EXPECT_EQ(Inject("a"), WEIR_OK);
  owner_.Data(d(), "b");
  EXPECT_EQ(Inject("c"), WEIR_OK);
  owner_.Data(d(), "", true);
  owner_.Deferred();
  EXPECT_EQ(owner_.body[d()], "abc");
  EXPECT_EQ(out().back(), '!');
}

TEST_P(Late, WhatIsInjectedComesBeforeTheTrailers) {
  FilterScript mine = Filter(), none;
  FilterChain& chain = Make(&mine, &none);
  owner_.has_trailers = true;
  chain.Headers(d(), false);
  EXPECT_EQ(Inject("a"), WEIR_OK);
  chain.Trailers(d());
  owner_.Deferred();
  EXPECT_EQ(out(), "H[a]T");
  EXPECT_EQ(Inject("x"), WEIR_REFUSED);
}

TEST_P(Late, NothingIsInjectedFromAHookOrBeforeWithheldHeaders) {
  int32_t in_hook = 1;
  FilterScript mine = Filter([&](weir_stream*, bool) {
    in_hook = Inject("x");
    return WEIR_STOP;
  });
  mine.request_headers = mine.response_headers = [](weir_stream*, bool) { return WEIR_STOP; };
  FilterScript none;
  FilterChain& chain = Make(&mine, &none);
  chain.Headers(d(), false);
  owner_.Data(d(), "held");
  EXPECT_EQ(in_hook, WEIR_REFUSED);
  EXPECT_EQ(Inject("x"), WEIR_REFUSED);
  owner_.Deferred();
  EXPECT_EQ(out(), "");
}

TEST_P(Late, WhatIsInjectedGoesBeforeTheBodyThatIsWithheld) {
  FilterScript mine = Filter([](weir_stream*, bool) { return WEIR_STOP_WATERMARK; });
  FilterScript none;
  FilterChain& chain = Make(&mine, &none);
  chain.Headers(d(), false);
  owner_.Data(d(), "held");
  EXPECT_EQ(Inject("a"), WEIR_OK);
  owner_.Deferred();
  EXPECT_EQ(out(), "H[a]");
  owner_.Data(d(), " more", true);
  EXPECT_EQ(Inject("b"), WEIR_OK) << "the end is withheld as well";
  EXPECT_EQ(api().resume(api().ticket(stream_), d()), WEIR_OK);
  EXPECT_EQ(Inject("c"), WEIR_OK);
  owner_.Deferred();
  EXPECT_EQ(out(), "H[a][bc][held more]!");
  EXPECT_EQ(Inject("x"), WEIR_REFUSED);
}

TEST_P(Late, WhatIsInjectedGoesBeforeTrailersThatAreWithheld) {
  FilterScript mine = Filter([](weir_stream*, bool) { return WEIR_STOP_WATERMARK; });
  FilterScript none;
  FilterChain& chain = Make(&mine, &none);
  owner_.has_trailers = true;
  chain.Headers(d(), false);
  chain.Trailers(d());
  EXPECT_EQ(Inject("a"), WEIR_OK);
  EXPECT_EQ(api().resume(api().ticket(stream_), d()), WEIR_OK);
  owner_.Deferred();
  EXPECT_EQ(out(), "H[a]T");
}

TEST_P(Late, NothingIsInjectedWhereTheLengthIsAnnouncedAndGone) {
  FilterScript mine = Filter(), none;
  FilterChain& chain = Make(&mine, &none);
  http::Message& message = d() == kRequest ? owner_.request() : owner_.response();
  message.head().flags |= WEIR_HEAD_HAS_LENGTH;
  EXPECT_EQ(Inject("x"), WEIR_REFUSED);
  EXPECT_TRUE(message.has(WEIR_HEAD_HAS_LENGTH)) << "what is refused changes nothing";
  chain.Headers(d(), false);
  owner_.writable[d()] = false;
  EXPECT_EQ(Inject("x"), WEIR_REFUSED);
  EXPECT_TRUE(message.has(WEIR_HEAD_HAS_LENGTH));
  // A later filter holds the head: there it can still be changed.
  owner_.writable[d()] = true;
  EXPECT_EQ(Inject("x"), WEIR_OK);
  EXPECT_FALSE(message.has(WEIR_HEAD_HAS_LENGTH));
}

TEST_P(Late, WhatIsAheadBoundsWhatIsInjected) {
  FilterScript mine = Filter(), holder = Filter([](weir_stream*, bool) { return WEIR_STOP; });
  holder.create = nullptr;
  FilterChain& chain = Make(&mine, &holder);
  chain.Headers(d(), false);
  owner_.ahead = 1000;
  EXPECT_EQ(Inject("x"), WEIR_NO_ROOM);
  owner_.ahead = 999;
  EXPECT_EQ(Inject("x"), WEIR_OK);
  EXPECT_EQ(Inject("x"), WEIR_NO_ROOM) << "what waits for its turn counts";
  owner_.Deferred();
  EXPECT_EQ(Inject("x"), WEIR_NO_ROOM) << "and what a later filter holds";
  owner_.ahead = 0;
  EXPECT_EQ(Inject(std::string(1000 + 262'144 + 1, 'x')), WEIR_NO_ROOM);
  EXPECT_EQ(Inject("x"), WEIR_OK);
}

TEST_P(Late, AnAnswerOfTheOwnersDropsWhatWasInjected) {
  FilterScript mine = Filter(), none;
  FilterChain& chain = Make(&mine, &none);
  chain.Headers(d(), false);
  EXPECT_EQ(Inject("x"), WEIR_OK);
  chain.Close(d());
  owner_.Deferred();
  EXPECT_EQ(out(), "H");
  EXPECT_EQ(Inject("x"), WEIR_REFUSED);
}

// ---- Trailers that a filter makes

TEST_P(Late, TrailersAreMadeInTheHookThatShowsTheEnd) {
  int32_t early = 1, made = 1, added = 1;
  std::string after;
  FilterScript mine = Filter([&](weir_stream* x, bool end) {
    (end ? made : early) = api().add_trailers(x, trailers());
    if (end) added = api().add(x, trailers(), View("x-sum"), View("1"));
    return WEIR_CONTINUE;
  });
  FilterScript last = Watcher(&after);
  FilterChain& chain = Make(&mine, &last);
  chain.Headers(d(), false);
  owner_.Data(d(), "a");
  EXPECT_EQ(early, WEIR_REFUSED);
  owner_.Data(d(), "b", true);
  EXPECT_EQ(made, WEIR_OK);
  EXPECT_EQ(added, WEIR_OK);
  EXPECT_EQ(out(), "H[a][b]T");
  EXPECT_EQ(after, "h[a][b]t");
}

TEST_P(Late, TrailersAreMadeWhileTheEndIsWithheld) {
  FilterScript mine =
      Filter([&](weir_stream*, bool end) { return end ? WEIR_STOP : WEIR_CONTINUE; });
  FilterScript none;
  FilterChain& chain = Make(&mine, &none);
  chain.Headers(d(), false);
  owner_.Data(d(), "a");
  EXPECT_EQ(api().add_trailers(stream_, trailers()), WEIR_REFUSED) << "there is no end yet";
  owner_.Data(d(), "b", true);
  EXPECT_EQ(api().add_trailers(stream_, trailers()), WEIR_OK);
  EXPECT_EQ(api().add_trailers(stream_, trailers()), WEIR_OK) << "they are there";
  EXPECT_EQ(api().resume(api().ticket(stream_), d()), WEIR_OK);
  owner_.Deferred();
  EXPECT_EQ(out(), "H[a][b]T");
  EXPECT_EQ(api().add_trailers(stream_, trailers()), WEIR_REFUSED) << "the end has gone by";
}

TEST_P(Late, AMessageThatIsItsHeadAloneGetsTrailersWhileItIsWithheld) {
  for (const int32_t stop : {WEIR_STOP, WEIR_STOP_ALL}) {
    ChainOwner owner;
    owner.has_trailers = false;
    weir_stream* stream = nullptr;
    FilterScript s;
    s.request_headers = s.response_headers = [&](weir_stream* x, bool) {
      EXPECT_EQ(api().add_trailers(x, trailers()), WEIR_REFUSED);
      return stream = x, stop;
    };
    FilterChain& chain = owner.Make({&s});
    chain.Headers(d(), true);
    EXPECT_EQ(api().add_trailers(stream, trailers()), WEIR_OK);
    EXPECT_EQ(api().resume(api().ticket(stream), d()), WEIR_OK);
    owner.Deferred();
    EXPECT_EQ(owner.out[d()], "HT") << stop;
  }
}

TEST_P(Late, AWithheldHeadGoesWithoutItsEndWhereTrailersFollow) {
  std::string after;
  FilterScript mine = Filter([&](weir_stream* x, bool end) {
    if (!end) return WEIR_STOP;
    EXPECT_EQ(api().add_trailers(x, trailers()), WEIR_OK);
    return WEIR_CONTINUE;
  });
  mine.request_headers = mine.response_headers = [](weir_stream*, bool) { return WEIR_STOP; };
  FilterScript last = Watcher(&after);
  FilterChain& chain = Make(&mine, &last);
  chain.Headers(d(), false);
  owner_.Data(d(), "", true);
  EXPECT_EQ(out(), "HT");
  EXPECT_EQ(after, "ht");
}

TEST_P(Late, TrailersThatCameNeedNoMaking) {
  int32_t made = 1;
  FilterScript mine = Filter([&](weir_stream* x, bool end) {
    if (end) made = api().add_trailers(x, trailers());
    return WEIR_CONTINUE;
  });
  FilterScript none;
  FilterChain& chain = Make(&mine, &none);
  owner_.has_trailers = true;
  chain.Headers(d(), false);
  chain.Trailers(d());
  EXPECT_EQ(made, WEIR_OK);
  EXPECT_EQ(out(), "HT");
}

TEST_P(Late, WhatHasNoBodyHasNoTrailers) {
  FilterScript mine = Filter([&](weir_stream*, bool) { return WEIR_STOP; }), none;
  FilterChain& chain = Make(&mine, &none);
  chain.Headers(d(), false);
  owner_.Data(d(), "", true);
  http::Message& message = d() == kRequest ? owner_.request() : owner_.response();
  message.head().flags |= WEIR_HEAD_NO_BODY;
  EXPECT_EQ(api().add_trailers(stream_, trailers()), WEIR_REFUSED);
  message.head().flags = WEIR_HEAD_TUNNEL;
  EXPECT_EQ(api().add_trailers(stream_, trailers()), WEIR_REFUSED);
  message.head().flags = 0;
  EXPECT_EQ(api().add_trailers(stream_, d()), WEIR_REFUSED) << "that is no trailers";
  EXPECT_EQ(api().add_trailers(stream_, trailers()), WEIR_OK);
}

TEST_P(Late, AnAnnouncedLengthGoesWhereTrailersComeAndTheHeadIsStillHere) {
  FilterScript mine = Filter([&](weir_stream*, bool) { return WEIR_STOP; }), none;
  mine.request_headers = mine.response_headers = [](weir_stream*, bool) { return WEIR_STOP; };
  FilterChain& chain = Make(&mine, &none);
  http::Message& message = d() == kRequest ? owner_.request() : owner_.response();
  message.head().flags |= WEIR_HEAD_HAS_LENGTH;
  chain.Headers(d(), false);
  owner_.Data(d(), "a", true);
  EXPECT_EQ(api().add_trailers(stream_, trailers()), WEIR_OK);
  EXPECT_FALSE(message.has(WEIR_HEAD_HAS_LENGTH));
}

// ---- Exceptions

TEST_P(Late, AnExceptionThatLeavesAHookIsAFailure) {
  FilterScript mine = Filter(
      [](weir_stream*, bool) -> int32_t { throw std::runtime_error("thrown out of a plugin"); });
  FilterScript none;
  FilterChain& chain = Make(&mine, &none);
  chain.Headers(d(), false);
  owner_.Data(d(), "a", true);
  EXPECT_EQ(owner_.failures, 1);
  EXPECT_EQ(owner_.replied, 500u);
}

TEST(FilterChainLate, AnExceptionOrAnyOtherWordThanOkFromCreateIsAFailure) {
  for (const int32_t status : {0, -1, 1, 4711}) {
    FilterScript s;
    s.create = [&](weir_stream*) -> int32_t {
      if (status == 0) throw 7;
      return status;
    };
    ChainOwner owner;
    owner.Make({&s});
    EXPECT_FALSE(owner.built) << status;
    EXPECT_EQ(owner.failures, 1) << status;
  }
}

TEST(FilterChainLate, AnExceptionFromTheLastCallsIsCountedAndTheOthersAreMade) {
  FilterScript bad, good;
  int completed = 0;
  bad.complete = [](weir_stream*) { throw 7; };
  good.complete = [&](weir_stream*) { ++completed; };
  ChainOwner owner;
  FilterChain& chain = owner.Make({&bad, &good});
  chain.Complete();
  EXPECT_EQ(owner.failures, 1);
  EXPECT_EQ(completed, 1);
}

// ---- What a stream has to keep

TEST(FilterChainLate, TheAnswerIsKeptForThoseWhoMayStillLookAtIt) {
  const auto may = [](FilterScript s, uint64_t ticket = 0) {
    ChainOwner owner;
    owner.ticket = ticket;
    return owner.Make({&s}).MayLookAtResponse();
  };
  const auto goes_on = [](weir_stream*, bool) { return WEIR_CONTINUE; };
  const auto goes_on_too = [](weir_stream*) { return WEIR_CONTINUE; };
  FilterScript request_only;
  request_only.request_headers = goes_on;
  EXPECT_FALSE(may(request_only));
  FilterScript late = request_only;
  late.create = [](weir_stream* x) { return api().ticket(x), WEIR_OK; };
  EXPECT_TRUE(may(late, 7)) << "a timer, a call-out or another thread may bring it back";
  FilterScript s;
  EXPECT_TRUE(((s = {}).request_data = goes_on, may(s))) << "an upload may outlive the answer";
  EXPECT_TRUE(((s = {}).request_trailers = goes_on_too, may(s)));
  EXPECT_TRUE(((s = {}).response_headers = goes_on, may(s)));
  EXPECT_TRUE(((s = {}).response_data = goes_on, may(s)));
  EXPECT_TRUE(((s = {}).response_trailers = goes_on_too, may(s)));
  EXPECT_TRUE(((s = {}).response_interim = goes_on_too, may(s)));
  EXPECT_TRUE(((s = {}).complete = [](weir_stream*) {}, may(s)));
}

TEST(FilterChainLate, EveryHookOfAStreamIsInItsFiltersHistogramWhenTheStreamEnds) {
  observe::StatRegistry registry;
  observe::thread_stats = registry.NewBlock();
  const auto counted = [&] {
    return registry.Histogram(registry.Define("plugin.p.hook_us", observe::StatKind::kHistogram))
        .count();
  };
  int calls = 0;
  FilterScript s;
  s.create = [&](weir_stream*) { return ++calls, WEIR_OK; };
  s.request_headers =
      s.response_headers = [&](weir_stream*, bool) { return ++calls, WEIR_CONTINUE; };
  s.complete = [&](weir_stream*) { ++calls; };
  ChainOwner owner;
  owner.time = MakeHookStats(&registry, "p", "f");
  FilterChain& chain = owner.Make({&s});
  chain.Headers(kRequest, true);
  chain.Headers(kResponse, true);
  chain.Complete();
  chain.Destroy();
  chain.Destroy();
  EXPECT_EQ(calls, 4);
  EXPECT_EQ(counted(), 4u);
  observe::thread_stats = nullptr;
}

TEST(FilterChainLate, AFilterWithNothingToCallIsInNoStream) {
  weir_http_filter_api nothing{};
  nothing.struct_size = sizeof nothing;
  nothing.state_size = 64;
  EXPECT_TRUE(FilterEntry::IsIdle(nothing));
  FilterScript s;
  EXPECT_FALSE(FilterEntry::IsIdle(*s.Table())) << "create is to be called";
  base::SlabPool pool;
  uint8_t memory[1024 + base::Slab::kPadding];
  base::Arena arena(&pool, memory, 1024, 0);
  ChainOwner owner;
  FilterChain chain(&owner, &arena, &pool);
  std::vector<FilterEntry> entries(3);
  for (FilterEntry& entry : entries) {
    entry.api = &nothing;
    entry.idle = true;
  }
  EXPECT_TRUE(chain.Build(entries, nullptr, 1000));
  EXPECT_TRUE(chain.empty());
}

}  // namespace
}  // namespace weir::http
