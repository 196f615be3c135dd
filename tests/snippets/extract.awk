# SPDX-License-Identifier: BSL-1.0
# Writes a source of all C++ that stands in the README and in the comments of headers: what is in blocks between
# ```cpp and ```, and roost's column of the README's table of other libraries.
#
# A block is the body of a function; but one that begins with a function, a test case, a class or an #include
# stands as it is, in a namespace. What it uses of other code is declared in prelude.hpp. A row of the table is a
# body, too; there an ellipsis stands for nothing, and a loop without a body gets an empty one.

function begin(whole) {
  ++count
  printf "namespace snippet_%d {\n", count
  if (!whole)
    print "[[maybe_unused]] inline auto body() {"
  printf "#line %d \"%s\"\n", FNR, FILENAME
  end = whole ? "}" : "}\n}"
}

function fail(text) {
  print FILENAME ":" FNR ": " text > "/dev/stderr"
  failed = 1
  exit 1
}

BEGIN { print "#include \"snippets/prelude.hpp\"\n\nnamespace snippets {" }
FNR == 1 && on { fail("the file before this one ends in a block of code") }

# --- blocks ---------------------------------------------------------------------

/^ *(\/\/\/ )?```/ {
  if (on) {
    if (code)
      print end
    on = code = 0
  } else {
    on = 1
    code = first = /```cpp$/
    comment = /^ *\/\/\//
  }
  next
}
on && comment && !/^ *\/\/\// { fail("a block of code has no end") }
code {
  if (comment)
    sub(/^ *\/\/\/ ?/, "")
  if (first)
    begin(/^(int|void|class|struct|template|#include|TEST_CASE)( |\(|$)/)
  first = 0
  sub(/^#include.*/, "")               # prelude.hpp has it, outside of the namespace
  sub(/^int main\(/, "void run_main(") # it returns nothing here
  print
  next
}
on { next }
/^ *\/\/\/     / { fail("code stands between ```cpp and ```") }

# --- the table ------------------------------------------------------------------

/^#/ { table = /^## Coming from / }
table && /^\|/ && !/^\|---/ && !/roost's line/ {
  row = $0
  sub(/ *\|$/, "", row)
  sub(/^.*\| /, "", row)
  if (row !~ /`/)
    fail("a row without code of roost")
  begin(0)
  while (match(row, /`[^`]+`/)) {
    line = substr(row, RSTART + 1, RLENGTH - 2)
    row = substr(row, RSTART + RLENGTH)
    if (line ~ /^[a-z_]+$/)
      continue # a word of the text
    gsub(/…/, "", line)
    if (line ~ /^for /)
      line = line " {}"
    else if (line !~ /;$/)
      line = "(void)" line ";"
    printf "%s ", line
  }
  print "\n" end
}

END {
  if (failed)
    exit 1
  if (on)
    fail("the file ends in a block of code")
  if (!count)
    fail("there is no code in it")
  print "} // namespace snippets"
}
