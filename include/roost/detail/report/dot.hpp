// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/report/number_index.hpp>
#include <roost/detail/report/report_tree.hpp>
#include <roost/detail/report/words.hpp>
#include <roost/report_types.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// A report as a graph, for dot:
//
//     scope, task            boxes; a line goes from what is around to what is inside
//     what is waited for     an ellipse; a dashed arrow goes from the task that waits to it
//     the last at the        a dotted arrow goes from the object to it
//     other end
//     what holds a mutex     a full arrow goes from the mutex to it: a circle of arrows is one of
//                            waits

namespace roost::inline v0::detail {

#if ROOST_HAS_BODIES

class report_dot {
 public:
  explicit report_dot(const report& r) : report_(r), tree_(r) {}

  std::string write();

 private:
  void add_scope(std::size_t scope, const std::string& around);
  void add_group(std::size_t first_task, const std::string& scope);
  void add_wait(const std::string& waiter, const blocked_report& b);
  void add_object(const object_report& o, const std::string& name);
  void add_holds(const std::string& holder, const blocked_report& b);
  void add_node(const std::string& name, std::string_view label, const char* look) {
    append(text_, {"  ", name, " [label=", escaped(label), ", ", look, "];\n"});
  }
  void add_edge(const std::string& from, const std::string& to, const std::string& look) {
    append(text_, {"  ", from, " -> ", to, " [", look, "];\n"});
  }
  std::string name_of(std::size_t task) const { return joined({"task", report_.tasks[task].id}); }
  static std::string escaped(std::string_view label);

  const report& report_;
  report_tree tree_;
  number_index drawn_;     // the ids of objects that are drawn
  number_index shown_by_;  // a task's id to the place of the task that stands for its group
  std::size_t timers_ = 0; // objects without an id
  std::string text_;
};

// A node for each id: all tasks of a group share the first one's.
ROOST_COLD_BODY std::string report_dot::write() {
  for (std::size_t scope = 0; scope < report_.scopes.size(); ++scope) {
    tree_.for_each_group(scope, [this](std::size_t first) {
      tree_.for_each_in_group(
          first, [&](std::size_t task) { shown_by_.add(report_.tasks[task].id, first); });
    });
  }
  text_ = "digraph roost {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n";
  tree_.for_each_root([this](std::size_t scope) { add_scope(scope, {}); });
  text_ += "}\n";
  return std::move(text_);
}

ROOST_COLD_BODY std::string report_dot::escaped(std::string_view label) {
  std::string text = "\"";
  while (!label.empty()) {
    const char c = label.front();
    const std::size_t length = utf8_length(label);
    if (c == '"' || c == '\\')
      text += '\\';
    if (c == '\n')
      text += "\\n";
    else if (length == 0 || (length == 1 && c < ' '))
      text += '?';
    else
      text += label.substr(0, length);
    label.remove_prefix(length == 0 ? 1 : length);
  }
  text += '"';
  return text;
}

ROOST_COLD_BODY void report_dot::add_scope(std::size_t scope, const std::string& around) {
  const scope_report& s = report_.scopes[scope];
  const std::string name = joined({"scope", s.id});
  std::string label = joined({"scope ", in_quotes(s.name), "\n", s.where});
  if (s.stop)
    append(label, {"\nstopped: ", word_for(s.stop->reason)});
  add_node(name, label, "shape=box, style=bold");
  if (!around.empty())
    add_edge(around, name, "arrowhead=none");
  if (s.owner && tree_.task(s.parent_task) == nullptr) {
    add_wait(name, *s.owner);
    add_holds(name, *s.owner);
  }
  tree_.for_each_scope_in_scope(scope, [&](std::size_t inner) { add_scope(inner, name); });
  tree_.for_each_group(scope, [&](std::size_t task) { add_group(task, name); });
}

ROOST_COLD_BODY void report_dot::add_group(std::size_t first_task, const std::string& scope) {
  const task_report& first = report_.tasks[first_task];
  const std::size_t size = tree_.size_of_group(first_task);
  const std::string name = name_of(first_task);
  std::string label = joined({in_quotes(first.name)});
  if (size > 1)
    append(label, {" x", size});
  append(label, {"\n", first.spawned, "\n"});
  if (first.state == task_state::running)
    append_outside(label, size == 1 ? first.thread_id : 0, size == 1 ? first.thread_state : "");
  else
    label += word_for(first.state);
  const std::optional<blocked_report> call = tree_.call_of_group(first_task);
  if (call)
    append(label, {" ", length_of(call->since)});
  if (call && call->waits_for.empty()) { // no edge tells of the call
    label += '\n';
    append_call(label, *call);
  }
  add_node(name, label, call ? "shape=box" : "shape=box, style=rounded");
  add_edge(scope, name, "arrowhead=none");
  if (call) {
    add_wait(name, *call);
    add_holds(name, *call);
  }
  tree_.for_each_scope_in_task(first_task, [&](std::size_t inner) { add_scope(inner, name); });
}

ROOST_COLD_BODY void report_dot::add_wait(const std::string& waiter, const blocked_report& b) {
  const std::string look =
      joined({"style=dashed, label=", escaped(joined({b.operation, "\n", b.where}))});
  for (const object_report& o : b.waits_for) {
    const std::size_t task = shown_by_.find(o.task);
    if (o.task != 0 && task != number_index::none) {
      add_edge(waiter, name_of(task), look);
      continue;
    }
    const std::string name = o.id != 0 ? joined({"object", o.id}) : joined({"timer", ++timers_});
    if (o.id == 0 || drawn_.find(o.id) == number_index::none)
      add_object(o, name);
    add_edge(waiter, name, look);
    if (const std::size_t peer = o.peer ? shown_by_.find(o.peer->task) : number_index::none;
        peer != number_index::none)
      add_edge(name, name_of(peer), "style=dotted");
  }
}

ROOST_COLD_BODY void report_dot::add_holds(const std::string& holder, const blocked_report& b) {
  for (const held_report& h : b.holds) {
    const std::string name = joined({"object", h.id});
    if (drawn_.find(h.id) == number_index::none) {
      object_report o;
      o.id = h.id;
      o.kind = "mutex";
      o.name = h.name;
      add_object(o, name);
    }
    const std::string label = escaped(joined({"held since\n", h.where}));
    add_edge(name, holder, joined({"style=solid, label=", label}));
  }
}

ROOST_COLD_BODY void report_dot::add_object(const object_report& o, const std::string& name) {
  drawn_.add(o.id, 0);
  std::string label = o.kind;
  if (!o.name.empty())
    append(label, {" ", in_quotes(o.name)});
  if (!o.detail.empty())
    append(label, {"\n", o.detail});
  add_node(name, label, "shape=ellipse");
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
