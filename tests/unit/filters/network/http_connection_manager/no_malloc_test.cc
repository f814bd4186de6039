// The program's own malloc counts: what a request costs once everything is warm.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/unit/filters/network/http_connection_manager/hcm_world.h"

namespace {

bool counting = false;
uint64_t allocations = 0;

}  // namespace

// malloc and its kin take the place of glibc's, also for operator new in the C++ library: visible,
// so that shared objects find them.
#pragma GCC visibility push(default)
extern "C" {
void* __libc_malloc(size_t size);                  // NOLINT
void* __libc_calloc(size_t count, size_t size);    // NOLINT
void* __libc_realloc(void* memory, size_t size);   // NOLINT
void* __libc_memalign(size_t align, size_t size);  // NOLINT

void* malloc(size_t size) {
  if (counting) ++allocations;
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  if (counting) ++allocations;
  return __libc_calloc(count, size);
}
void* realloc(void* memory, size_t size) {
  if (counting) ++allocations;
  return __libc_realloc(memory, size);
}
void* aligned_alloc(size_t align, size_t size) {
  if (counting) ++allocations;
  return __libc_memalign(align, size);
}
}
#pragma GCC visibility pop

namespace weir::hcm {
namespace {

// The fakes use std::string: none of what they do may count, and none of what Weir does may not.
class Uncounted {
 public:
  Uncounted() : before_(counting) { counting = false; }
  ~Uncounted() { counting = before_; }

 private:
  bool before_;
};

class NoMalloc : public testing::Test {
 protected:
  void Exchange(std::string_view request, std::string_view answer) {
    {
      const Uncounted uncounted;
      client_->peer.to_read.assign(request);
      client_->peer.written.clear();
      client_->peer.written.reserve(1 << 20);
    }
    client_->io->Wake(true, false);
    world_.worker.reactor.RunTurn();
    test::Dialled* backend = &world_.backend(0);
    {
      const Uncounted uncounted;
      backend->peer.written.clear();
      backend->peer.written.reserve(1 << 20);
      backend->peer.to_read.assign(answer);
    }
    backend->io->Wake(true, false);
    world_.worker.reactor.RunTurn();
  }

  void Expect(std::string_view request, std::string_view answer) {
    client_ = &world_.Connect();
    for (int i = 0; i < 64; ++i) Exchange(request, answer);
    const uint64_t before = world_.Stat("downstream_rq_2xx");
    allocations = 0;
    counting = true;
    for (int i = 0; i < 1000; ++i) Exchange(request, answer);
    counting = false;
    EXPECT_EQ(allocations, 0u);
    EXPECT_EQ(world_.Stat("downstream_rq_2xx") - before, 1000u);
    EXPECT_EQ(world_.worker.dialer.count(), 1u);
  }

  HcmWorld world_;
  Client* client_ = nullptr;
};

TEST_F(NoMalloc, TheCounterCounts) {
  void* volatile seen;  // or the compiler leaves it all out
  allocations = 0;
  counting = true;
  auto* text = new std::string(100, 'x');
  seen = text;
  void* memory = malloc(10);
  seen = memory;
  free(memory);
  delete text;
  counting = false;
  EXPECT_NE(seen, nullptr);
  EXPECT_EQ(allocations, 3u);
}

TEST_F(NoMalloc, AGetOnAKeptConnectionAllocatesNothing) {
  Expect(
      "GET /a/b?c=d HTTP/1.1\r\nHost: example.com\r\nUser-Agent: test\r\nAccept: */*\r\n"
      "Accept-Encoding: gzip\r\nCookie: a=b\r\nX-Own: value\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nETag: "
      "\"x\"\r\n\r\nhello");
}

TEST_F(NoMalloc, APostWithABodyAllocatesNothing) {
  const std::string request =
      "POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 10000\r\n\r\n" +
      std::string(10'000, 'x');
  const std::string answer =
      "HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + std::string(20'000, 'y');
  Expect(request, answer);
}

TEST_F(NoMalloc, ChunkedBodiesAllocateNothing) {
  Expect(
      "POST / HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n"
      "x-sum: 1\r\n\r\n");
}

}  // namespace
}  // namespace weir::hcm
