#pragma once

#include <cstdint>

namespace weir::test {

// From now on all of OpenSSL's random bytes, in every library context, follow from the seed: keys,
// nonces and signatures are the same in each run, and so are the lengths of what is sent. For tests
// that run on one thread.
void SeedOpenSsl(uint64_t seed);

}  // namespace weir::test
