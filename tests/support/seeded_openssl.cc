#define OPENSSL_SUPPRESS_DEPRECATED  // a provider of random bytes would be some 200 lines
#include "tests/support/seeded_openssl.h"

#include <openssl/rand.h>

namespace weir::test {
namespace {

uint64_t state = 0;

int Fill(unsigned char* out, int size) {
  for (int i = 0; i < size; ++i) {
    if (i % 8 == 0) state += 0x9e3779b97f4a7c15u;
    uint64_t x = state;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    out[i] = static_cast<unsigned char>((x ^ (x >> 31)) >> (i % 8 * 8));
  }
  return 1;
}

int Seed(const void*, int) {
  return 1;
}

int Status() {
  return 1;
}

}  // namespace

void SeedOpenSsl(uint64_t seed) {
  static const RAND_METHOD method = {Seed, Fill, nullptr, nullptr, Fill, Status};
  state = seed;
  RAND_set_rand_method(&method);
}

}  // namespace weir::test
