#include "codecs/h1/head_scan.h"

#include "plugins/util/scan.h"

namespace weir::h1 {

bool HeadScan::Ready(const char* data, size_t size, uint32_t max_lines) {
  active_ = true;
  const char* const end = data + size;
  const char* at = data + scanned_;
  while (true) {
    const char* const stop = util::FindValueEnd(at, end);
    scanned_ = static_cast<uint32_t>(stop - data);
    if (stop >= end) return false;
    if (*stop != '\r') return true;
    if (stop + 1 == end) return false;
    if (stop[1] != '\n') return true;
    const bool empty_line = stop == data || stop[-1] == '\n';
    if (empty_line || ++lines_ > max_lines) return true;
    at = stop + 2;
    scanned_ += 2;
  }
}

}  // namespace weir::h1
