#include "tests/unit/codecs/h2/hpack/nghttp2_peer.h"

#include <cstdlib>

#include <nghttp2/nghttp2.h>

namespace weir::h2::hpack {

Nghttp2Inflater::Nghttp2Inflater() {
  if (nghttp2_hd_inflate_new(&inflater_) != 0) std::abort();
}

Nghttp2Inflater::~Nghttp2Inflater() {
  nghttp2_hd_inflate_del(inflater_);
}

void Nghttp2Inflater::SetLimit(uint32_t limit) {
  if (nghttp2_hd_inflate_change_table_size(inflater_, limit) != 0) std::abort();
}

std::optional<TextFields> Nghttp2Inflater::Decode(const Bytes& block) {
  TextFields fields;
  const uint8_t* at = block.data();
  size_t left = block.size();
  while (true) {
    nghttp2_nv nv{};
    int flags = 0;
    const ssize_t used = nghttp2_hd_inflate_hd2(inflater_, &nv, &flags, at, left, 1);
    if (used < 0) return std::nullopt;
    at += used;
    left -= static_cast<size_t>(used);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      fields.emplace_back(std::string(reinterpret_cast<char*>(nv.name), nv.namelen),
                          std::string(reinterpret_cast<char*>(nv.value), nv.valuelen));
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && left == 0) return std::nullopt;
  }
  nghttp2_hd_inflate_end_headers(inflater_);
  return fields;
}

size_t Nghttp2Inflater::Count(const Bytes& block) {
  size_t count = 0;
  const uint8_t* at = block.data();
  int flags = 0;
  while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
    nghttp2_nv nv{};
    const auto left = static_cast<size_t>(block.data() + block.size() - at);
    const ssize_t used = nghttp2_hd_inflate_hd2(inflater_, &nv, &flags, at, left, 1);
    if (used < 0) std::abort();
    at += used;
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) ++count;
  }
  nghttp2_hd_inflate_end_headers(inflater_);
  return count;
}

Nghttp2Deflater::Nghttp2Deflater() {
  if (nghttp2_hd_deflate_new(&deflater_, 4096) != 0) std::abort();
}

Nghttp2Deflater::~Nghttp2Deflater() {
  nghttp2_hd_deflate_del(deflater_);
}

void Nghttp2Deflater::SetLimit(uint32_t limit) {
  if (nghttp2_hd_deflate_change_table_size(deflater_, limit) != 0) std::abort();
}

Bytes Nghttp2Deflater::Encode(const TextFields& fields) {
  std::vector<nghttp2_nv> list;
  for (const auto& [name, value] : fields) {
    const auto bytes = [](const std::string& text) {
      return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
    };
    list.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  Bytes out(nghttp2_hd_deflate_bound(deflater_, list.data(), list.size()));
  const ssize_t size =
      nghttp2_hd_deflate_hd(deflater_, out.data(), out.size(), list.data(), list.size());
  if (size < 0) std::abort();
  out.resize(static_cast<size_t>(size));
  return out;
}

}  // namespace weir::h2::hpack
