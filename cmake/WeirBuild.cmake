# Compiler settings and the three ways in which the tree makes targets: a library of the host, a plugin, a test.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(weir_options INTERFACE)
target_compile_options(weir_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  -Wno-sign-conversion -Werror -fno-strict-aliasing)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # gcc 12 warns of the inside of an empty std::optional once it is inlined.
  target_compile_options(weir_options INTERFACE -Wno-maybe-uninitialized)
endif()
target_include_directories(weir_options INTERFACE ${CMAKE_SOURCE_DIR})

if(WEIR_SANITIZE)
  target_compile_options(weir_options INTERFACE -fsanitize=${WEIR_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  if(WEIR_SANITIZE MATCHES undefined)
    # The check of vptrs needs a free descriptor to look at memory, and reports when there is none; tests use them all up.
    target_compile_options(weir_options INTERFACE -fno-sanitize=vptr)
  endif()
  target_link_options(weir_options INTERFACE -fsanitize=${WEIR_SANITIZE})
endif()
if(WEIR_FUZZ)
  # Every object carries coverage; only the fuzz targets link the driver.
  target_compile_options(weir_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(WEIR_LTO)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
endif()

# Where linking the program a second time costs little, tests try it with its plugins inside: weir_static.
if(WEIR_TESTS AND NOT WEIR_LTO AND NOT WEIR_STATIC_PLUGINS AND NOT WEIR_SANITIZE STREQUAL "thread")
  set(WEIR_STATIC_TRIAL ON)
endif()

# weir_library(core_base SOURCES a.cc b.cc LIBS ...): a static library of the host.
function(weir_library name)
  cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} STATIC ${A_SOURCES})
  target_link_libraries(${name} PUBLIC weir_options ${A_LIBS})
endfunction()

# weir_plugin(h1 SOURCES ...): a shared object that the loader finds by its name. It may include plugins/ and nothing else of
# the tree, and it links nothing of the host: -z defs turns any private door into a link error.
set(WEIR_PLUGIN_DIR ${CMAKE_BINARY_DIR}/plugins.d)
function(weir_plugin name)
  cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
  add_library(plugin_${name} MODULE ${A_SOURCES})
  target_link_libraries(plugin_${name} PRIVATE weir_options ${A_LIBS})
  target_link_options(plugin_${name} PRIVATE -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/plugin.map)
  if(NOT WEIR_SANITIZE AND NOT WEIR_FUZZ)
    target_link_options(plugin_${name} PRIVATE -Wl,-z,defs)
  endif()
  set_target_properties(plugin_${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name}
    LIBRARY_OUTPUT_DIRECTORY ${WEIR_PLUGIN_DIR})
  set_property(GLOBAL APPEND PROPERTY WEIR_PLUGINS plugin_${name})
  if(WEIR_STATIC_PLUGINS OR WEIR_STATIC_TRIAL)
    add_library(static_${name} STATIC ${A_SOURCES})
    target_link_libraries(static_${name} PRIVATE weir_options ${A_LIBS})
    target_compile_definitions(static_${name} PRIVATE WEIR_STATIC_PLUGIN)
    set_property(GLOBAL APPEND PROPERTY WEIR_STATIC_PLUGIN_NAMES ${name})
  endif()
endfunction()

# Links every shipped plugin into the program, whose table of them (core/server/main_plugins.cc) is filled in here. They come
# before any file of the same name.
function(weir_link_static_plugins program)
  get_property(names GLOBAL PROPERTY WEIR_STATIC_PLUGIN_NAMES)
  set(declarations "")
  set(entries "")
  foreach(name ${names})
    string(APPEND declarations "extern \"C\" const weir_plugin_descriptor weir_plugin_${name};\n")
    string(APPEND entries "  &weir_plugin_${name},\n")
    target_link_libraries(${program} PRIVATE static_${name})
  endforeach()
  set(dir ${CMAKE_BINARY_DIR}/generated)
  file(CONFIGURE OUTPUT ${dir}/core/server/static_plugin_declarations.inc CONTENT "${declarations}")
  file(CONFIGURE OUTPUT ${dir}/core/server/static_plugin_entries.inc CONTENT "${entries}")
  target_include_directories(${program} PRIVATE ${dir})
  target_compile_definitions(${program} PRIVATE WEIR_STATIC_PLUGINS)
endfunction()

# weir_test(arena_test [THREADS] SOURCES arena_test.cc LIBS core_base): a GoogleTest program, one ctest entry per program.
# THREADS marks a test in which threads meet: those are built and run under ThreadSanitizer too.
function(weir_test name)
  cmake_parse_arguments(A "THREADS" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE weir_options ${A_LIBS} GTest::gmock GTest::gtest_main)
  # Only what is tested is optimised across files; the tests themselves would take longer to link than to run.
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests.d
    INTERPROCEDURAL_OPTIMIZATION OFF)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 120)
  if(A_THREADS)
    set_tests_properties(${name} PROPERTIES LABELS "unit;threads")
    set_property(GLOBAL APPEND PROPERTY WEIR_THREAD_TESTS ${name})
  endif()
endfunction()

# weir_fuzzer(path_fuzzer SOURCES ... LIBS ...): a libFuzzer target; its kept corpus is tests/fuzz/corpus/<name>. As a test it
# runs for WEIR_FUZZ_SECONDS, 15 by default.
function(weir_fuzzer name)
  if(NOT WEIR_FUZZ)
    return()
  endif()
  cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE weir_options ${A_LIBS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz.d)
  set_property(GLOBAL APPEND PROPERTY WEIR_FUZZERS ${name})
  add_test(NAME ${name}
    COMMAND ${CMAKE_SOURCE_DIR}/tests/fuzz/run-fuzzers ${CMAKE_BINARY_DIR}/fuzz.d from-environment ${name})
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 3600)
endfunction()

# What ./dev builds when it does not need everything: the program with its plugins, the fuzzers, the tests for
# ThreadSanitizer (which also drive the program).
function(weir_summary_targets)
  get_property(plugins GLOBAL PROPERTY WEIR_PLUGINS)
  get_property(fuzzers GLOBAL PROPERTY WEIR_FUZZERS)
  get_property(thread_tests GLOBAL PROPERTY WEIR_THREAD_TESTS)
  if(TARGET weir)
    add_custom_target(product DEPENDS weir ${plugins})
  else()
    add_custom_target(product DEPENDS ${plugins})
  endif()
  add_custom_target(fuzzers DEPENDS ${fuzzers})
  add_custom_target(threads DEPENDS product ${thread_tests})
endfunction()
