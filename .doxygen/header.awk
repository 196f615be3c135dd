# SPDX-License-Identifier: BSL-1.0
# What Doxygen reads of a header, line by line: what users see of it.
# - `namespace roost::inline v0`, which Doxygen takes for a namespace v0, is roost.
# - `namespace detail {` is left out. A block that says behind the brace that it is for users stays: they
#   call what is in it through a class that derives from it.
# - What is below the line "implementation" is left out, and so is what no user calls: assignments that are
#   deleted, destructors that do nothing. What is protected is for classes of roost alone.
# - The header's names belong to its topic: the one of topics.dox that names the header.
# - "Lifetime:", "Threads:" and their like begin a line, and are bold.

FNR == 1 {
  name = FILENAME
  public = name !~ /\/detail\//
  sub(/.*\//, "", name)
  sub(/\.hpp$/, "", name)
  while ((getline line < topics) > 0) {
    if (line ~ /^\\defgroup/) {
      split(line, words)
      group = words[2]
    }
    if (line ~ /^<!-- headers:/) {
      split(line, words)
      for (i in words)
        headers[words[i]] = group
    }
  }
  topic = public ? headers[name] : ""
  topic_begin = "/** \\addtogroup " topic " */ /** @{ */"
  topic_end = "/** @} */"
}
FNR <= 2 && topic { # in place of the licence and of #pragma once
  print FNR == 1 ? "/** \\file" : "Of the topic \\ref " topic ". */"
  next
}
FNR <= 2 && public && name != "roost" { # a name without a comment, which Doxygen refuses
  print FNR == 1 ? "/** \\file */" : "int this_header_needs_a_topic_in_topics_dox();"
  next
}

# The index of roost.hpp is a table with links.
name == "roost" && FNR == 3 { print "/// \\file"; next }
name == "roost" && /^\/\/\/     / {
  sub(/^\/\/\/ +/, "")
  match($0, /  +/)
  uses = substr($0, RSTART + RLENGTH)
  printf "/// | %s |", substr($0, 1, RSTART - 1)
  split("", words)
  split(uses, words)
  for (n = 1; n in words; ++n) {
    word = words[n]
    sub(/[.,:;]$/, "", word)
    if (word in headers || word ~ /^[a-z]+(_|::)[a-z_:]+$/)
      words[n] = "\\ref roost::" word " \"" word "\"" substr(words[n], length(word) + 1)
    printf " %s", words[n]
  }
  print " |"
  next
}

/^\/\/ --- implementation/ { below = 1 }
below && !/^} \/\/ namespace roost/ { print ""; next }
/^namespace detail \{$/ { hidden = 1 }
/^} \/\/ namespace detail/ && public {
  print hidden ? "" : "} " topic_begin
  hidden = 0
  next
}
hidden { print ""; next }
/^namespace detail \{ \/\// { $0 = topic_end " namespace detail {" }

/^} \/\/ namespace roost::inline v0/ && topic { $0 = topic_end " " $0 }
/^namespace roost::inline v0/ {
  sub(/::inline v0/, "")
  if (topic)
    $0 = $0 " " topic_begin
}
/^  friend bool operator==/ { sub(/friend /, "") } # a friend has no place on the page
/^ protected:$/ { $0 = " private:" }
/operator=\(.*= delete;$|^ *~.*= default;$/ { $0 = "" }

/^ *\/\/\/ ```/ { code = !code }
/^ *\/\/\/ / && !code {
  labels = "(Lifetime|Threads|Callers|Errors|Cancellation|Cost|Memory|The end|fork)(, [a-z]+)*:"
  rest = $0
  $0 = ""
  while (match(rest, "(/// |[.)] )" labels " ")) {
    mark = substr(rest, RSTART, RLENGTH)
    match(mark, "(/// |[.)] )")
    start = substr(mark, 1, RLENGTH)
    label = substr(mark, RLENGTH + 1)
    match(rest, "(/// |[.)] )" labels " ")
    $0 = $0 substr(rest, 1, RSTART - 1) start (paragraph ? "" : "<br>") "<b>" label "</b>"
    rest = substr(rest, RSTART + RLENGTH)
    paragraph = 0
  }
  $0 = $0 rest
}
{ paragraph = /^ *\/\/\/$/ }
{ print }

# A name without a comment, which Doxygen refuses.
END {
  if (hidden)
    print "int no_line_says_that_namespace_detail_ends();"
}
