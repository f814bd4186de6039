// Wide scans over the bytes of a message: one copy for codecs and host.
//
// The first 32 bytes are looked at in place, 16 at a time (SSE2 is part of x86-64; elsewhere 8 at a
// time in a plain word), for most targets, names and values end there. Longer ones go on in
// AVX2 where the CPU has it; that is found out once, at load.
//
// `Find...` and `LowerName` read up to 63 bytes past `end`: receive memory has 64 readable bytes
// past its end. `Is...` read nothing outside of what they are given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "plugins/util/ascii.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#define WEIR_SCAN_X86 1
#else
#define WEIR_SCAN_X86 0
#endif

namespace weir::util {

// A byte that may stand in a field value: HTAB, SP, VCHAR, obs-text (RFC 9110 5.5).
constexpr bool IsValueByte(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u >= 0x20 ? u != 0x7f : u == '\t';
}

// A byte that may stand in a request target: visible ASCII; '#' and all else is refused by those
// who give it a meaning.
constexpr bool IsTargetByte(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u > 0x20 && u < 0x7f;
}

namespace internal {

// Each returns the first byte in [p, end) that is not of the class, or `end`.

inline const char* FindValueEndPlain(const char* p, const char* end) {
  while (p < end && IsValueByte(*p)) ++p;
  return p;
}

inline const char* FindTargetEndPlain(const char* p, const char* end) {
  while (p < end && IsTargetByte(*p)) ++p;
  return p;
}

// Eight bytes at a time. A mask has the high bit of each byte that is found; a carry may only set
// bits above the first found byte, so the lowest one is exact.
inline constexpr uint64_t kOnes = 0x0101010101010101u;
inline constexpr uint64_t kHighs = 0x8080808080808080u;

constexpr uint64_t BytesBelow(uint64_t word, uint8_t limit) {  // limit <= 128
  return (word - kOnes * limit) & ~word & kHighs;
}

constexpr uint64_t BytesEqual(uint64_t word, uint8_t byte) {
  const uint64_t x = word ^ (kOnes * byte);
  return (x - kOnes) & ~x & kHighs;
}

constexpr uint64_t NotValueMask(uint64_t word) {
  // A tab differs from all other controls by being found here and taken out again.
  return BytesBelow(word, 0x20) | BytesEqual(word, 0x7f);
}

constexpr uint64_t NotTargetMask(uint64_t word) {
  return BytesBelow(word, 0x21) | BytesEqual(word, 0x7f) | (word & kHighs);
}

inline size_t FirstByte(uint64_t mask) {
  if constexpr (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) mask = __builtin_bswap64(mask);
  return static_cast<size_t>(__builtin_ctzll(mask)) / 8;
}

inline uint64_t Load8(const char* p) {
  uint64_t word;
  std::memcpy(&word, p, sizeof(word));
  if constexpr (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) word = __builtin_bswap64(word);
  return word;
}

inline const char* FindValueEndWord(const char* p, const char* end) {
  while (p < end) {
    const uint64_t mask = NotValueMask(Load8(p));
    if (mask == 0) {
      p += 8;
      continue;
    }
    p += static_cast<size_t>(__builtin_ctzll(mask)) / 8;
    if (p >= end || *p != '\t') break;
    ++p;
  }
  return p < end ? p : end;
}

inline const char* FindTargetEndWord(const char* p, const char* end) {
  while (p < end) {
    const uint64_t mask = NotTargetMask(Load8(p));
    if (mask != 0) {
      p += static_cast<size_t>(__builtin_ctzll(mask)) / 8;
      break;
    }
    p += 8;
  }
  return p < end ? p : end;
}

#if WEIR_SCAN_X86

// AVX2 on the CPU, and its registers kept by the system. Straight from the instruction, so that no
// symbol of the compiler's library is imported.
inline bool DetectAvx2() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return false;
  constexpr unsigned kOsxsaveAndAvx = (1u << 27) | (1u << 28);
  if ((c & kOsxsaveAndAvx) != kOsxsaveAndAvx) return false;
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low & 6u) != 6u) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & (1u << 5)) != 0;
}

inline const bool kHasAvx2 = DetectAvx2();

inline unsigned NotValueMask16(const char* p) {
  const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
  const __m128i tab = _mm_cmpeq_epi8(v, _mm_set1_epi8('\t'));
  const __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, low), del)));
}

inline unsigned NotTargetMask16(const char* p) {
  const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  // Signed: obs-text is negative, so one compare finds it together with the controls and SP.
  const __m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(0x21));
  const __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(low, del)));
}

__attribute__((target("avx2"), noinline)) inline const char* FindValueEndAvx2(const char* p,
                                                                              const char* end) {
  const __m256i low_limit = _mm256_set1_epi8(0x1f);
  const __m256i tab_byte = _mm256_set1_epi8('\t');
  const __m256i del_byte = _mm256_set1_epi8(0x7f);
  for (; p < end; p += 32) {
    const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    const __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(v, low_limit), v);
    const __m256i tab = _mm256_cmpeq_epi8(v, tab_byte);
    const __m256i del = _mm256_cmpeq_epi8(v, del_byte);
    const auto mask = static_cast<unsigned>(
        _mm256_movemask_epi8(_mm256_or_si256(_mm256_andnot_si256(tab, low), del)));
    if (mask != 0) {
      p += __builtin_ctz(mask);
      break;
    }
  }
  return p < end ? p : end;
}

__attribute__((target("avx2"), noinline)) inline const char* FindTargetEndAvx2(const char* p,
                                                                               const char* end) {
  const __m256i limit = _mm256_set1_epi8(0x21);
  const __m256i del_byte = _mm256_set1_epi8(0x7f);
  for (; p < end; p += 32) {
    const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    const __m256i bad =
        _mm256_or_si256(_mm256_cmpgt_epi8(limit, v), _mm256_cmpeq_epi8(v, del_byte));
    const auto mask = static_cast<unsigned>(_mm256_movemask_epi8(bad));
    if (mask != 0) {
      p += __builtin_ctz(mask);
      break;
    }
  }
  return p < end ? p : end;
}

#endif  // WEIR_SCAN_X86

}  // namespace internal

// The first byte of [p, end) that cannot stand in a field value (a control other than HTAB), or
// `end`. At the end of a good line that is its CR.
inline const char* FindValueEnd(const char* p, const char* end) {
#if WEIR_SCAN_X86
  for (int i = 0; i < 2; ++i) {
    const unsigned mask = internal::NotValueMask16(p);
    if (mask != 0) {
      p += __builtin_ctz(mask);
      return p < end ? p : end;
    }
    p += 16;
    if (p >= end) return end;
  }
  if (internal::kHasAvx2) return internal::FindValueEndAvx2(p, end);
#endif
  return internal::FindValueEndWord(p, end);
}

// The first byte of [p, end) that cannot stand in a request target, or `end`: SP where all is well.
inline const char* FindTargetEnd(const char* p, const char* end) {
#if WEIR_SCAN_X86
  for (int i = 0; i < 2; ++i) {
    const unsigned mask = internal::NotTargetMask16(p);
    if (mask != 0) {
      p += __builtin_ctz(mask);
      return p < end ? p : end;
    }
    p += 16;
    if (p >= end) return end;
  }
  if (internal::kHasAvx2) return internal::FindTargetEndAvx2(p, end);
#endif
  return internal::FindTargetEndWord(p, end);
}

#if WEIR_SCAN_X86

namespace internal {

// 16 bytes of a field line, looked at as the start of a name.
struct NameBytes {
  __m128i bytes;
  __m128i lowered;
  unsigned uppers;  // a bit for each byte that is an upper-case letter
  unsigned good;    // ... that is a letter, a digit or '-'
};

inline NameBytes LoadName(const char* p) {
  const auto in_range = [](__m128i x, char first, char count) {
    const __m128i shifted = _mm_add_epi8(x, _mm_set1_epi8(static_cast<char>(-128 - first)));
    return _mm_cmplt_epi8(shifted, _mm_set1_epi8(static_cast<char>(-128 + count)));
  };
  NameBytes name;
  name.bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i upper = in_range(name.bytes, 'A', 26);
  name.lowered = _mm_or_si128(name.bytes, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
  const __m128i good =
      _mm_or_si128(_mm_or_si128(in_range(name.lowered, 'a', 26), in_range(name.bytes, '0', 10)),
                   _mm_cmpeq_epi8(name.bytes, _mm_set1_epi8('-')));
  name.uppers = static_cast<unsigned>(_mm_movemask_epi8(upper));
  name.good = static_cast<unsigned>(_mm_movemask_epi8(good));
  return name;
}

// All bits set in the first `count` bytes, at most 16.
inline __m128i FirstBytes(size_t count) {
  alignas(16) static constexpr signed char kSlide[32] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                                         -1, -1, -1, -1, -1, -1, -1, -1};
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(kSlide + 16 - count));
}

inline void StoreLowered(char* p, const NameBytes& name, __m128i first) {
  const __m128i kept = _mm_andnot_si128(first, name.bytes);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm_or_si128(_mm_and_si128(first, name.lowered), kept));
}

}  // namespace internal

#endif

// Lower-cases the letters at the front of [p, end) in place as long as bytes are tchars; returns
// how many there are. The byte after them is the colon where all is well. Changes no other byte.
inline size_t LowerName(char* const begin, const char* end) {
  char* p = begin;
#if WEIR_SCAN_X86
  // Letters, digits and '-', 16 at a time; any other byte, of which few names have one, by table.
  while (end - p >= 16) {
    const internal::NameBytes name = internal::LoadName(p);
    const unsigned bad = ~name.good & 0xffffu;
    const size_t count = bad == 0 ? 16 : static_cast<size_t>(__builtin_ctz(bad));
    if ((name.uppers & ((1u << count) - 1)) != 0) {
      internal::StoreLowered(p, name, internal::FirstBytes(count));
    }
    p += count;
    if (bad == 0) continue;
    if (*p == ':' || !IsTokenByte(*p)) return static_cast<size_t>(p - begin);
    ++p;
  }
#endif
  for (; p < end; ++p) {
    const char lower = TokenByteLower(*p);
    if (lower == 0) break;
    *p = lower;
  }
  return static_cast<size_t>(p - begin);
}

// Whether all bytes may stand in a field value. Leading and trailing blanks are the caller's to
// look at.
inline bool IsFieldValue(const char* data, size_t size) {
  const char* const end = data + size;
#if WEIR_SCAN_X86
  if (size >= 16) {
    for (const char* p = data; end - p > 16; p += 16) {
      if (internal::NotValueMask16(p) != 0) return false;
    }
    return internal::NotValueMask16(end - 16) == 0;
  }
#endif
  return internal::FindValueEndPlain(data, end) == end;
}

// Whether this is a field name in the form that a message holds: a token, in lower case.
inline bool IsLowerName(const char* data, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    if (TokenByteLower(data[i]) != data[i] || data[i] == 0) return false;
  }
  return size != 0;
}

// Whether all bytes may stand in a request target.
inline bool IsTarget(const char* data, size_t size) {
  const char* const end = data + size;
#if WEIR_SCAN_X86
  if (size >= 16) {
    for (const char* p = data; end - p > 16; p += 16) {
      if (internal::NotTargetMask16(p) != 0) return false;
    }
    return internal::NotTargetMask16(end - 16) == 0;
  }
#endif
  return size != 0 && internal::FindTargetEndPlain(data, end) == end;
}

}  // namespace weir::util
