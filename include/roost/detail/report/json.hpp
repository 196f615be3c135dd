// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/report/words.hpp>
#include <roost/report_types.hpp>
#include <roost/scope_options.hpp>
#include <roost/site.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

// A report as JSON; report.hpp tells its form.

namespace roost::inline v0::detail {

/// Writes JSON: the caller says what comes next, and it puts the commas.
class json_text {
 public:
  void begin(char bracket) {
    separate();
    text_ += bracket;
  }
  void end(char bracket) { text_ += bracket; }
  void key(std::string_view name) {
    string(name);
    text_ += ": ";
  }
  void string(std::string_view value);
  void literal(std::string_view value) {
    separate();
    text_ += value;
  }
  void number(std::uint64_t value) { literal(std::to_string(value)); }

  std::string take() { return std::move(text_); }

 private:
  void separate();
  void add_escaped(std::string_view value);

  std::string text_;
};

/// Calls `write(each)` for the elements of a list.
template <class List, class Write>
void write_list(json_text& out, std::string_view name, const List& list, Write write) {
  out.key(name);
  out.begin('[');
  for (const auto& element : list)
    write(element);
  out.end(']');
}

/// Calls `write(*value)`, or writes null.
template <class T, class Write>
void write_optional(json_text& out,
                    std::string_view name,
                    const std::optional<T>& value,
                    Write write) {
  out.key(name);
  value ? write(*value) : out.literal("null");
}

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY void json_text::separate() {
  if (text_.empty())
    return;
  const char last = text_.back();
  if (last != '{' && last != '[' && last != ' ') // a space comes only behind a key
    text_ += ", ";
}

ROOST_COLD_BODY void json_text::string(std::string_view value) {
  separate();
  text_ += '"';
  add_escaped(value);
  text_ += '"';
}

ROOST_COLD_BODY void json_text::add_escaped(std::string_view value) {
  constexpr std::string_view digits = "0123456789abcdef";
  while (!value.empty()) {
    const auto c = static_cast<unsigned char>(value.front());
    const std::size_t length = utf8_length(value);
    if (c == '"' || c == '\\')
      text_ += '\\';
    if (c < 0x20 || c == 0x7f)
      (text_ += "\\u00") += {digits[c >> 4U], digits[c & 0xfU]};
    else if (length == 0)
      text_ += "\\ufffd";
    else
      text_ += value.substr(0, length);
    value.remove_prefix(length == 0 ? 1 : length);
  }
}

class report_json {
 public:
  std::string write(const report& r);

 private:
  void scope(const scope_report& s);
  void task(const task_report& t);
  void stop(const stop_report& s);
  void blocked(const blocked_report& b);
  void object(const object_report& o);
  void peer(const waiter_report& w);
  void held(const held_report& h);
  void deadlock(const deadlock_report& d);
  void link(const deadlock_link& l);

  void text(std::string_view name, std::string_view value) {
    out_.key(name);
    out_.string(value);
  }
  void place(std::string_view name, const site& where) {
    out_.key(name);
    where.line == 0 ? out_.literal("null") : out_.string(line_of(where));
  }
  void number(std::string_view name, std::uint64_t value) {
    out_.key(name);
    out_.number(value);
  }
  void number_or_null(std::string_view name, std::uint64_t value, std::uint64_t null = 0) {
    out_.key(name);
    value == null ? out_.literal("null") : out_.number(value);
  }
  void time(std::string_view name, clock::duration value) {
    using std::chrono::milliseconds;
    number(name,
           static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(value).count()));
  }

  json_text out_;
};

ROOST_COLD_BODY std::string report_json::write(const report& r) {
  out_.begin('{');
  number("format", 1);
  write_list(out_, "scopes", r.scopes, [this](const scope_report& s) { scope(s); });
  write_list(out_, "tasks", r.tasks, [this](const task_report& t) { task(t); });
  number("left_out", r.left_out);
  write_list(out_, "deadlocks", r.deadlocks, [this](const deadlock_report& d) { deadlock(d); });
  out_.end('}');
  return out_.take();
}

ROOST_COLD_BODY void report_json::scope(const scope_report& s) {
  out_.begin('{');
  number("id", s.id);
  number_or_null("parent_scope", s.parent_scope);
  number_or_null("parent_task", s.parent_task);
  text("name", s.name);
  place("where", s.where);
  time("age_ms", s.age);
  write_optional(out_, "stop", s.stop, [this](const stop_report& v) { stop(v); });
  number("running", s.running);
  number("queued", s.queued);
  number_or_null("limit", s.limit, unlimited);
  number_or_null("owner_thread", s.owner_thread);
  text("owner_state", s.owner_state);
  write_optional(out_, "owner", s.owner, [this](const blocked_report& b) { blocked(b); });
  out_.end('}');
}

ROOST_COLD_BODY void report_json::stop(const stop_report& s) {
  out_.begin('{');
  text("reason", word_for(s.reason));
  text("message", s.message);
  text("task", s.task);
  place("where", s.where);
  time("age_ms", s.age);
  out_.end('}');
}

ROOST_COLD_BODY void report_json::task(const task_report& t) {
  out_.begin('{');
  number("id", t.id);
  number("scope", t.scope);
  text("name", t.name);
  place("spawned", t.spawned);
  time("age_ms", t.age);
  text("state", word_for(t.state));
  number_or_null("thread", t.thread_id);
  text("thread_state", t.thread_state);
  place("last_blocked", t.last_blocked);
  write_optional(out_, "blocked", t.blocked, [this](const blocked_report& b) { blocked(b); });
  out_.end('}');
}

ROOST_COLD_BODY void report_json::blocked(const blocked_report& b) {
  out_.begin('{');
  text("operation", b.operation);
  text("object", b.object);
  text("detail", b.detail);
  place("where", b.where);
  time("for_ms", b.since);
  out_.key("until_deadline");
  out_.literal(b.until_deadline ? "true" : "false");
  number_or_null("runs", b.runs);
  write_list(out_, "waits_for", b.waits_for, [this](const object_report& o) { object(o); });
  write_list(out_, "holds", b.holds, [this](const held_report& h) { held(h); });
  out_.end('}');
}

ROOST_COLD_BODY void report_json::object(const object_report& o) {
  out_.begin('{');
  number_or_null("id", o.id);
  text("kind", o.kind);
  text("name", o.name);
  text("detail", o.detail);
  number_or_null("task", o.task);
  write_optional(out_, "peer", o.peer, [this](const waiter_report& w) { peer(w); });
  out_.end('}');
}

ROOST_COLD_BODY void report_json::peer(const waiter_report& w) {
  out_.begin('{');
  number_or_null("task", w.task);
  text("name", w.name);
  place("where", w.where);
  out_.end('}');
}

ROOST_COLD_BODY void report_json::held(const held_report& h) {
  out_.begin('{');
  number("id", h.id);
  text("name", h.name);
  place("where", h.where);
  out_.end('}');
}

ROOST_COLD_BODY void report_json::deadlock(const deadlock_report& d) {
  const auto write_link = [this](const deadlock_link& l) { link(l); };
  out_.begin('{');
  write_list(out_, "circle", d.circle, write_link);
  write_list(out_, "others", d.others, write_link);
  out_.end('}');
}

ROOST_COLD_BODY void report_json::link(const deadlock_link& l) {
  out_.begin('{');
  number_or_null("task", l.task);
  number("scope", l.scope);
  text("name", l.name);
  text("operation", l.operation);
  text("object", l.object);
  place("where", l.where);
  number_or_null("for_task", l.for_task);
  number("for_scope", l.for_scope);
  text("for_name", l.for_name);
  out_.end('}');
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
