# SPDX-License-Identifier: BSL-1.0
# Writes a page for each example that it reads: its first comment, the names of roost that it uses, and then
# the code. From a name's page Doxygen leads back to the examples.

function end_page(n) {
  if (!page)
    return
  print head "\n" (uses ? "\nUses " uses "." : "") "\n*/"
}

FNR == 1 {
  end_page()
  page = FILENAME
  print "/** \\example " page "\n\\details"
  heading = 1
  head = uses = ""
  split("", seen)
  next
}
heading && /^\/\/ ?/ { sub(/^\/\/ ?/, ""); head = head $0 "\n"; next }
{
  heading = 0
  while (match($0, /roost::(this_task::)?[a-z_]+/)) {
    name = substr($0, RSTART, RLENGTH)
    $0 = substr($0, RSTART + RLENGTH)
    if (!(name in seen))
      uses = uses (uses ? ", " : "") "#" name
    seen[name] = 1
  }
}
END { end_page() }
