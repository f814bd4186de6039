"""Each gate finds what it is there to find, and lets pass what is well."""

import os
import tempfile
import unittest

import conformance
import docs
import includes
import rules
import sizes
import symbols
import tree
import words


def in_tree(files):
    """A folder with these files in it, {path: text}."""
    folder = tempfile.TemporaryDirectory()
    for path, text in files.items():
        os.makedirs(os.path.dirname(os.path.join(folder.name, path)), exist_ok=True)
        with open(os.path.join(folder.name, path), "w", encoding="utf-8") as file:
            file.write(text)
    return folder


class Includes(unittest.TestCase):
    def offences(self, path, *names):
        text = "#pragma once\n" + "".join(f'#include "{name}"\n' for name in names)
        return list(includes.check_file(path, text))

    def test_core_includes_itself_in_one_direction(self):
        self.assertFalse(self.offences("core/http/path.cc", "core/http/path.h", "core/base/arena.h", "plugins/abi/weir.h"))
        self.assertTrue(self.offences("core/base/arena.cc", "core/net/socket.h"))
        self.assertTrue(self.offences("core/http/path.cc", "core/server/worker.h"))

    def test_core_knows_no_filter_and_no_codec(self):
        self.assertTrue(self.offences("core/server/worker.cc", "codecs/h1/codec.h"))
        self.assertTrue(self.offences("core/server/worker.cc", "filters/http/mux/mux.h"))
        self.assertFalse(self.offences("core/server/main.cc", "filters/http/mux/mux.h"))

    def test_plugins_see_the_sdk_only(self):
        self.assertFalse(self.offences("codecs/h1/codec.cc", "codecs/h1/chunk.h", "plugins/sdk/weir.hpp"))
        self.assertTrue(self.offences("codecs/h1/codec.cc", "core/base/arena.h"))
        self.assertTrue(self.offences("filters/http/cors/cors.cc", "core/http/message.h"))
        self.assertTrue(self.offences("codecs/h1/codec.cc", "codecs/h2/codec.h"))

    def test_terminal_filters_include_core(self):
        self.assertFalse(self.offences("filters/http/mux/mux.cc", "core/http/message.h"))
        self.assertTrue(self.offences("filters/http/mux/mux.cc", "codecs/h1/codec.h"))

    def test_examples_are_third_parties(self):
        self.assertFalse(self.offences("examples/hello/hello.cc", "plugins/sdk/weir.hpp"))
        self.assertTrue(self.offences("examples/hello/hello.cc", "core/base/arena.h"))

    def test_paths_start_at_the_root(self):
        self.assertTrue(self.offences("core/base/arena.cc", "arena.h"))
        self.assertTrue(self.offences("core/base/arena.cc", "core/net/../base/arena.h"))

    def test_the_own_header_comes_first(self):
        check = lambda text: list(includes.check_own_header("core/base/a.cc", text, "core/base/a.h"))
        self.assertFalse(check('#include "core/base/a.h"\n#include <vector>\n'))
        self.assertTrue(check('#include <vector>\n#include "core/base/a.h"\n'))
        self.assertTrue(check("int x;\n"))

    def test_headers_are_light_and_guarded(self):
        self.assertTrue(list(includes.check_file("core/config/loader.h", "#pragma once\n#include <yaml-cpp/yaml.h>\n")))
        self.assertTrue(list(includes.check_file("core/config/loader.h", "int x;\n")))
        self.assertFalse(list(includes.check_file("core/config/loader.cc", "#include <yaml-cpp/yaml.h>\n")))


class Sizes(unittest.TestCase):
    def lengths(self, text):
        return {name: lines for name, _, lines in sizes.functions(text)}

    def test_functions_of_namespaces_and_classes_are_counted(self):
        text = "namespace weir {\nclass A : public B {\n public:\n  int F() const {\n    return 1;\n  }\n};\nvoid G() {\n}\n}\n"
        self.assertEqual(self.lengths(text), {"F": 3, "G": 2})

    def test_inner_braces_belong_to_their_function(self):
        self.assertEqual(self.lengths("void F(int a) {\n  if (a) {\n    g([&] { h(); });\n  }\n}\n"), {"F": 5})

    def test_initialiser_lists_are_part_of_the_constructor(self):
        text = "A::A(int x)\n    : x_{x},\n      y_(x), z_{\n        1} {\n  f();\n}\n"
        self.assertEqual(self.lengths(text), {"A::A": 6})

    def test_values_and_enums_are_no_functions(self):
        text = "enum class E : uint8_t {\n  kA,\n};\nconstexpr int kT[] = {\n  1,\n};\nstruct alignas(64) S {\n  int a{0};\n};\n"
        self.assertEqual(self.lengths(text), {})

    def test_braces_in_strings_and_comments_do_not_count(self):
        text = 'void F() {\n  a("{{{");  // {{\n  b(\'{\', 1\'000);\n  c(R"x({{)x");\n}\nvoid G() {}\n'
        self.assertEqual(self.lengths(text), {"F": 5, "G": 1})

    def test_returned_structs_and_trailing_types(self):
        text = "struct S F() {\n}\nauto G() -> int {\n}\ntemplate <class T>\nvoid H(T) {\n}\n"
        self.assertEqual(self.lengths(text), {"F": 2, "G": 2, "H": 3})

    def test_an_oversized_file_or_function_is_found(self):
        long_function = "void F() {\n" + "  f();\n" * 101 + "}\n"
        with in_tree({"core/base/a.cc": long_function, "core/base/b.cc": "\n" * 801}) as root:
            found = "\n".join(sizes.check(root))
        self.assertIn("core/base/a.cc:1: F has 103 lines", found)
        self.assertIn("core/base/b.cc has 801 lines", found)

    def test_an_exception_needs_a_reason(self):
        self.assertEqual(sizes.exceptions("# note\na.cc 900 it is a table\nb.cc 900\n"), {"a.cc": 900})


class Words(unittest.TestCase):
    def test_machine_paths_and_hosts_are_found(self):
        for text in ("/wo" "rk/main", "../sha" "red/x", "deb.deb" "ian.org", "TO" "DO", "iss" "ue 7"):
            self.assertTrue(list(words.check_text("README.md", text)), text)
        self.assertFalse(list(words.check_text("README.md", "worker/main shared work")))

    def test_the_lab_may_be_named_by_dev(self):
        self.assertFalse(list(words.check_text("dev", "../sha" "red/bench")))


class Conformance(unittest.TestCase):
    ROWS = [f"{section}\tit holds\tconnection\tPROTOCOL_ERROR\tH2.Holds" for section in conformance.SECTIONS]

    def offences(self, *rows, without=""):
        table = ["\t".join(conformance.COLUMNS), *rows, *(row for row in self.ROWS if not row.startswith(without or "no"))]
        return list(conformance.check_table("\n".join(table) + "\n", {"NO_ERROR", "PROTOCOL_ERROR"}, {"H2.Holds", "H2.Too"}))

    def test_a_rule_with_its_tests_is_well(self):
        self.assertFalse(self.offences())
        self.assertFalse(self.offences("RFC 7541 2.3.3\tsaid\tstream\t431\tH2.Holds, H2.Too"))
        self.assertFalse(self.offences("7\tallowed\tnone\tNO_ERROR\tH2.Too"))

    def test_a_rule_without_a_test_is_found(self):
        self.assertEqual(len(self.offences("7\tsaid\tconnection\tPROTOCOL_ERROR\tH2.Gone")), 1)
        self.assertEqual(len(self.offences("7\tsaid\tconnection\tPROTOCOL_ERROR\tH2.Holds, H2.Gone")), 1)
        self.assertEqual(len(self.offences("7\tsaid\tconnection\tPROTOCOL_ERROR\t")), 1)

    def test_what_is_no_row_is_found(self):
        for row in ("7\tsaid\tconnection\tPROTOCOL_ERROR", "", "seven\tsaid\tconnection\tPROTOCOL_ERROR\tH2.Holds",
                    "7\tsaid\tboth\tPROTOCOL_ERROR\tH2.Holds", "7\tsaid\tstream\tNOBODYS_ERROR\tH2.Holds",
                    "7\tsaid\tnone\tPROTOCOL_ERROR\tH2.Holds", "7\tsaid\tstream\tNO_ERROR\tH2.Holds",
                    "7\t\tstream\tPROTOCOL_ERROR\tH2.Holds", self.ROWS[0]):
            self.assertEqual(len(self.offences(row)), 1, row)
        self.assertTrue(list(conformance.check_table("section\trule\n", set(), set())))

    def test_a_section_that_is_gone_is_found(self):
        self.assertEqual(len(self.offences(without="6.9")), 1)

    def test_codes_are_read_from_their_table(self):
        self.assertEqual(conformance.codes('  X(kNoError, 0x0, "NO_ERROR")  \\\n  X(kCancel, 0x8, "CANCEL")\n'), {"NO_ERROR", "CANCEL"})


class Rules(unittest.TestCase):
    def offences(self, text):
        return list(rules.check_contract(text, {"Mux.Replays", "test_drain"}))

    def test_a_rule_with_its_tests_is_well(self):
        self.assertFalse(self.offences("| R-1 | it holds | `Mux.Replays`, test_drain |\n"))
        self.assertFalse(self.offences("| S-1 | it holds | test_drain |\n| S-2 | it holds | test_drain |\n| R-9 | too | test_drain |\n"))

    def test_a_rule_without_a_test_is_found(self):
        self.assertTrue(self.offences("| R-1 | it holds | |\n"))
        self.assertTrue(self.offences("| R-1 | it holds | Mux.Gone |\n"))
        self.assertTrue(self.offences("| S-2 | it holds | Mux.Replays |\n| S-2 | again | Mux.Replays |\n"))
        self.assertTrue(self.offences("no rules\n"))
        self.assertTrue(self.offences("| S-1 | it holds | test_drain |\n| S-3 | it holds | test_drain |\n"))

    def test_pitfalls_are_numbered_and_their_tests_listed(self):
        names = {"A.Pitfall1Holds", "A.Pitfall2Holds", "A.Else"}
        check = lambda text: list(rules.check_pitfalls(text, names))
        first, second = "| P-1 | it holds | A.Pitfall1Holds |\n", "| P-2 | it holds | A.Pitfall2Holds, A.Else |\n"
        self.assertFalse(check(first + second))
        self.assertTrue(check(first))
        self.assertTrue(check(second + first))
        self.assertTrue(check(first + "| P-2 | it holds | A.Else |\n"))
        self.assertTrue(check(first + second + "| P-4 | it holds | A.Else |\n"))
        self.assertTrue(check(""))

    def test_lessons_are_numbered_and_have_their_tests(self):
        check = lambda text: list(rules.check_lessons(text, {"A.Holds"}))
        first, second = "| L-1 | it holds | A.Holds |\n", "| L-2 | it holds | A.Holds |\n"
        self.assertFalse(check(first + second))
        self.assertTrue(check(second))
        self.assertTrue(check(second + first))
        self.assertTrue(check(first + "| L-2 | it holds | A.Gone |\n"))
        self.assertTrue(check(first + "| L-2 | it holds | |\n"))
        self.assertTrue(check(""))

    def test_a_rule_of_each_pair_is_a_test_and_its_helper_is_none(self):
        text = ("class Core:\n  def small(self, front, path):\n    pass\n  def echo(self, front, path, size):\n    pass\n"
                "class Else:\n  def small(self, front, path):\n    pass\n")
        self.assertEqual(list(rules.pair_rules(text)), ["Core.small"])

    def test_a_list_that_is_gone_is_found(self):
        with in_tree({"tests/a.cc": ""}) as root:
            self.assertEqual(len(list(rules.check(root))), 3)

    def test_names_come_from_both_kinds_of_tests(self):
        with in_tree({"tests/a.cc": "TEST_F(Mux, Replays) {}", "tests/b.py": "class A:\n    def test_x(self):\n        pass\n"}) as root:
            self.assertEqual(rules.test_names(root), {"Mux.Replays", "test_x"})


class Docs(unittest.TestCase):
    def test_what_a_page_names_is_there(self):
        files = {
            "README.md": "`core/` [a](gone.md) [b](dev) ./dev fly ./dev test\n",
            "dev": "cmd_test() {\n",
            "core/a.cc": "",
            "filters/a.cc": "",
        }
        with in_tree(files) as root:
            found = "\n".join(docs.check(root))
        for part in ("filters/ is not mentioned", "gone.md", "no command fly"):
            self.assertIn(part, found)
        for part in ("core/ is not", "link to dev", "no command test"):
            self.assertNotIn(part, found)

    def test_a_refused_config_is_found(self):
        self.assertTrue(list(docs.refused("/bin/false", "README.md", "x.yaml")))
        self.assertFalse(list(docs.refused("/bin/true", "README.md", "x.yaml")))


class Symbols(unittest.TestCase):
    def imports(self, line):
        return list(symbols.check_imports("h1.so", symbols.parse_nm(line)))

    def test_runtimes_may_be_imported(self):
        self.assertFalse(self.imports("                 U memcpy@GLIBC_2.14\n                 w __gmon_start__\n"))

    def test_a_private_door_is_found(self):
        self.assertTrue(self.imports("                 U _ZN4weir4base5ArenaC1Ev\n"))
        self.assertTrue(self.imports("                 U SHA1@OPENSSL_3.0.0\n"))
        self.assertTrue(self.imports("                 U socket@GLIBC_2.2.5\n"))

    def test_the_descriptor_is_the_only_export(self):
        exports = lambda text: list(symbols.check_exports("h1.so", list(symbols.parse_nm(text))))
        self.assertFalse(exports("0000000000004010 R weir_plugin\n"))
        self.assertTrue(exports("0000000000004010 R weir_plugin\n0000000000004020 T other\n"))
        self.assertTrue(exports("0000000000004010 T weir_plugin\n"))
        self.assertTrue(exports(""))

    def test_further_libraries_are_found(self):
        self.assertTrue(list(symbols.check_libraries("h1.so", " 0x1 (NEEDED)  Shared library: [libcrypto.so.3]\n")))
        self.assertFalse(list(symbols.check_libraries("h1.so", " 0x1 (NEEDED)  Shared library: [libc.so.6]\n")))

    def test_a_library_is_for_the_plugins_that_are_written_on_it(self):
        needed, used = " 0x1 (NEEDED)  Shared library: [libre2.so.9]\n", "                 U _ZN3re23RE2D1Ev\n"
        for plugin, offends in (("rbac.so", False), ("h1.so", True)):
            self.assertEqual(bool(list(symbols.check_libraries(plugin, needed))), offends)
            self.assertEqual(bool(list(symbols.check_imports(plugin, symbols.parse_nm(used)))), offends)


class Tree(unittest.TestCase):
    def test_lines_keep_their_numbers(self):
        text = '/* a\nb */ int x; // y\n#define F \\\n  {\nint z;\n'
        self.assertEqual(tree.bare_code(text).splitlines()[4], "int z;")
        self.assertNotIn("{", tree.bare_code(text))


if __name__ == "__main__":
    unittest.main()
