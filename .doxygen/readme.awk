# SPDX-License-Identifier: BSL-1.0
# The README, and the pages beside it, as Doxygen reads them: a link to a file leads to the file's page in the
# reference; where it has none, its name is left.

# The page that Doxygen makes of an example.
function example_page(path) {
  sub(/^examples\//, "", path)
  gsub(/\//, "_2", path)
  gsub(/\./, "_8", path)
  return path "-example.html"
}

# Where a link leads in the reference; empty: nowhere.
function page_of(target) {
  sub(/^(\.\.\/)+/, "", target)
  if (target ~ /^examples\/.*\.[ch]pp$/)
    return example_page(target)
  if (target == "examples")
    return "examples.html"
  if (target ~ /^\.github\/[A-Z]+\.md$/) {
    gsub(/^\.github\/|\.md$/, "", target)
    return "md__github_" target ".html"
  }
  if (target ~ /^tests\/(bench\/)?README\.md$/) {
    gsub(/\//, "_", target)
    sub(/\.md$/, "", target)
    return "md_" target ".html"
  }
  if (target ~ /\.svg$/)
    sub(/^.*\//, "", target) # pictures lie beside the pages
  if (target ~ /^include\/roost(\/[a-z_]+)?\.hpp$/) {
    sub(/^.*\//, "", target)
    sub(/\.hpp$/, "", target)
    gsub(/_/, "__", target)
    return target "_8hpp.html"
  }
  if (target ~ /^https?:|\.svg$/)
    return target
  return ""
}

/^ *```/ { code = !code }
code { print; next }
{
  line = ""
  while (match($0, /!?\[[^]\[]*\]\([^) ]+\)/)) {
    link = substr($0, RSTART, RLENGTH)
    line = line substr($0, 1, RSTART - 1)
    $0 = substr($0, RSTART + RLENGTH)
    text = target = link
    sub(/\]\([^)]*\)$/, "", text)
    sub(/^.*\]\(/, "", target)
    target = page_of(substr(target, 1, length(target) - 1))
    sub(/^!?\[/, target == "" ? "" : "&", text)
    name = text
    gsub(/[`\[]/, "", name)
    if (target ~ /_8hpp\.html$/ && text ~ /^\[`[a-z_]+`$/)
      line = line "\\ref roost::" name " \"" name "\"" # the header is that of one name: its own page
    else
      line = line text (target == "" ? "" : "](" target ")")
  }
  print line $0
}
