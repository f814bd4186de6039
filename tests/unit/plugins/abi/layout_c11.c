#include "plugins/abi/weir.h"
#include "tests/unit/plugins/abi/layout.h"

#define STRUCT(name) {#name, NULL, sizeof(name), __alignof__(name)},
#define MEMBER(name, member) \
  {#name, #member, offsetof(name, member), sizeof(((name*)NULL)->member)},
#define CONSTANT(name) {#name, NULL, name, -1},
static const layout_row kRows[] = {
#include "tests/unit/plugins/abi/layout.inc"
};

const layout_row* LayoutC11(size_t* count) {
  *count = sizeof kRows / sizeof kRows[0];
  return kRows;
}
