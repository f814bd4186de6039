/* One line of the layout: "weir_view 16 8" (size, alignment), "weir_view.data 0 8" (offset, size),
 * "WEIR_OK 0". */
#ifndef WEIR_TEST_ABI_LAYOUT_H_
#define WEIR_TEST_ABI_LAYOUT_H_

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct layout_row {
  const char* structure; /* or the constant's name */
  const char* member;    /* NULL for a whole struct and for a constant */
  long long first;
  long long second; /* -1 for a constant */
} layout_row;

/* The header as a C99 compiler sees it, and as a C11 compiler does. */
const layout_row* LayoutC99(size_t* count);
const layout_row* LayoutC11(size_t* count);

#ifdef __cplusplus
}
#endif

#endif
