# SPDX-License-Identifier: BSL-1.0
"""What the tasks of a stopped program, or of a core file, do.

    gdb -x path/to/roost/.gdb/roost.py ./program [core]
    (gdb) roost tasks

It reads memory and calls nothing in the program, so it works on a core file, and at any
point: also where a lock of roost is held, or a list is being changed. Needs gdb 10 or
later with Python, and a program that is compiled with -g.

How it finds its way: stop_domain::roots() lists the outermost scopes. A scope lists its
children and, as contexts, its owner and the workers that run its tasks; each context has
the slot of its thread, where a blocked call is published. So it goes the same way as
task_scope::report().
"""

import re
import time

import gdb

NAMESPACE = "roost::v0::"
DETAIL = NAMESPACE + "detail::"
UNLIMITED = 2**64 - 1
MOST_IN_A_LIST = 100000  # a list that is longer is being changed, or destroyed



# --- reading memory ------------------------------------------------------------------


def type_of(name):
    try:
        return gdb.lookup_type(DETAIL + name)
    except gdb.error:
        raise gdb.GdbError(
            "roost: the program's debug information has no type %s%s. Compile it with -g: -g1 and "
            "-gline-tables-only leave types out, strip removes them; with clang, "
            "-fstandalone-debug brings all of them." % (DETAIL, name)
        )


def number(value):
    return int(value)


def at(address, kind):
    """The object of that type at an address."""
    return gdb.parse_and_eval("{%s}%d" % (kind, number(address)))


def target(pointer):
    """What a pointer points at, by its static type. dereference() would look for the dynamic one,
    and print a warning where that is made of a lambda's type."""
    return at(pointer, pointer.type.strip_typedefs().target().unqualified())


def words_at(address, count):
    """Words of the size of a pointer."""
    pointer = gdb.Value(number(address)).cast(gdb.lookup_type("void").pointer().pointer())
    return [number(pointer[i]) for i in range(count)]


def atomic(value):
    """What a std::atomic holds, whatever the library calls its member."""
    return at(value.address, value.type.strip_typedefs().template_argument(0))


def nanoseconds(value):
    """Of a time_point, or an atomic one: a count since the clock's epoch."""
    return number(at(value.address, gdb.lookup_type("long long")))


def characters(address, length):
    if address == 0 or length == 0:
        return ""
    return (
        gdb.selected_inferior()
        .read_memory(address, min(length, 4096))
        .tobytes()
        .decode("utf-8", "replace")
    )


def is_libcxx(value):
    return "std::__1::" in str(value.type.strip_typedefs())


def string(value):
    """Of a std::string: by its layout, as clang leaves its members out of what -g says."""
    address = number(value.address)
    words = words_at(address, 3)
    if not is_libcxx(value):
        return characters(words[0], words[1])
    if words[0] & 1:
        return characters(words[2], words[1])
    return characters(address + 1, (words[0] & 0xFF) >> 1)


def view(value):
    """Of a std::string_view."""
    words = words_at(value.address, 2)
    return characters(*words) if is_libcxx(value) else characters(words[1], words[0])


def items(a_list):
    """The nodes of an intrusive_list, as pointers."""
    node = a_list["first_"]
    count = 0
    while number(node) != 0 and count < MOST_IN_A_LIST:
        yield node
        node = target(node)["links_"]["next"]
        count += 1


def class_of(pointer):
    """The name of the dynamic type of what is at a pointer, without our namespaces."""
    vtable = words_at(pointer, 1)[0]
    if vtable not in moment.class_names:
        symbol = gdb.execute("info symbol %#x" % vtable, to_string=True)
        found = re.match(r"vtable for (.*?) \+ \d+( in section|$)", symbol)
        name = found.group(1) if found else ""
        moment.class_names[vtable] = name.replace(DETAIL, "").replace(NAMESPACE, "")
    return moment.class_names[vtable]


class Moment:
    """What is the same for all that one command prints."""

    def __init__(self):
        self.class_names = {}  # by the address of the vtable
        self.threads = {}  # gdb's, by the system's number
        for thread in gdb.selected_inferior().threads():
            for system_number in thread.ptid[1:]:
                self.threads[system_number] = thread
        # The program's clock is this machine's, but for a core file.
        connection = getattr(gdb.selected_inferior(), "connection", None)
        is_here = connection is not None and connection.type == "native"
        self.now = time.monotonic_ns() if is_here else None


moment = None


# --- words -----------------------------------------------------------------------------


def line_of(site):
    file = site["file"].string()
    return "%s:%d" % (file, number(site["line"])) if file else "an unknown line"


def quoted(name):
    return '"%s"' % "".join(c if c >= " " else " " for c in name) if name else "(unnamed)"


def some_of(words):
    """The first of them: more are not read."""
    return " ".join(words[:8]) + (" ..." if len(words) > 8 else "")


def without_time(words):
    return re.sub(r"^blocked [0-9.]+ m?s", "blocked", words)


def length_since(then):
    """" 3.1 s"; nothing where the time is not known."""
    if then == 0 or moment.now is None:
        return ""
    ms = max(0, moment.now - then) // 1000000
    return " %d ms" % ms if ms < 1000 else " %d.%d s" % (ms // 1000, ms % 1000 // 100)


# --- threads ---------------------------------------------------------------------------


def thread_of(slot):
    """gdb's thread for a thread_slot; None if it knows none of that number."""
    return moment.threads.get(number(atomic(slot["number"])))


def thread_number(slot):
    """gdb's number of it; or the system's, where gdb knows no thread of that number."""
    thread = thread_of(slot)
    return str(thread.num) if thread is not None else "LWP %d" % number(atomic(slot["number"]))


def is_of_the_program(frame):
    """Neither roost's nor the standard library's, as far as names tell."""
    symtab = frame.find_sal().symtab
    if symtab is None or re.match(r"(roost|std|__gnu_cxx)::", frame.name() or ""):
        return False
    holder = symtab.objfile.owner or symtab.objfile  # the former if debug symbols are in a file
    library = holder.filename.rsplit("/", 1)[-1]
    return not re.match(r"(libc|libc\+\+|libstdc\+\+|libm|libpthread|ld)[-.]", library)


def place_on(thread):
    """Where the program's own code is: the innermost frame of it that has a line."""
    before = gdb.selected_thread()
    frame_before = gdb.selected_frame()
    try:
        thread.switch()
        frame = gdb.newest_frame()
        for _ in range(64):
            if frame is None:
                break
            if is_of_the_program(frame):
                line = frame.find_sal()
                name = frame.name() or "a function"
                short = name if len(name) < 60 else name.split("(")[0]
                return ", in %s at %s:%d" % (short, line.symtab.filename, line.line)
            frame = frame.older()
    except gdb.error:  # it cannot be unwound
        pass
    finally:
        before.switch()
        frame_before.select()
    return ""


# --- what a thread is blocked in -----------------------------------------------------------


KINDS = {
    "channel_core": "channel",
    "broadcast_core": "broadcast",
    "scope_state": "scope",
    "time_operation": "timer",
    "task_has_ended": "task",
}


def kind_of(operation):
    """What an operation is at: "event", "channel"."""
    name = class_of(operation)
    name = re.sub(r"^wait_queue::wait_operation<", "", name)
    name = re.match(r"\w*", name).group(0)
    return KINDS.get(name, name or "something")


def awaited(slot):
    """All that a blocked thread waits for, with the address by which one tells it from others."""
    if number(slot["what"]) == 0 or class_of(slot["what"]) != "awaited_operations":
        return []
    operations = at(slot["what"], type_of("awaited_operations"))["all_"]
    found = []
    for i in range(min(number(operations["size_"]), 64)):
        operation = operations["first_"][i]
        guard = number(target(operation)["lock_"]["first_"])
        found.append(kind_of(operation) + (" %#x" % guard if guard != 0 else ""))
    return found


def call_words(slot):
    """`blocked 3.1 s in sender::send on "rows" at parse.cpp:88`."""
    call = slot["call"]
    length = length_since(nanoseconds(slot["since"]))
    text = "blocked%s in %s" % (length, call["operation"].string())
    waits_for = awaited(slot)
    if view(call["object"]):
        text += " on " + quoted(view(call["object"]))
    elif len(waits_for) == 1:
        text += " on " + waits_for[0]
    if len(waits_for) > 1:
        text += " (%s)" % ", ".join(waits_for)
    text += " at " + line_of(call["where"])
    return text if slot["endless"] else text + ", until a deadline"


def task_number(pointer_to_task):
    return number(target(pointer_to_task)["id_"]) if number(pointer_to_task) != 0 else 0


def state_words(slot, task):
    """What the thread does in the task of that number, or in none for 0."""
    runs = task_number(slot["task"])
    if slot["call"]["operation"].string() and task_number(slot["caller"]) == task:
        return call_words(slot)
    if runs != task and runs != 0:
        return "runs task #%d inside a wait" % runs
    foreign = slot["foreign"]
    if number(foreign) != 0 and task_number(target(foreign)["task"]) == task:
        foreign = target(foreign)
        what = foreign["what"]
        text = characters(number(what["characters_"].address), number(what["size_"]))
        length = length_since(nanoseconds(foreign["since"]))
        where = line_of(foreign["where"])
        return "blocked%s in blocking_region on %s at %s" % (length, quoted(text), where)
    thread = thread_of(slot)
    return "outside roost" + (place_on(thread) if thread is not None else "")


# --- the tree --------------------------------------------------------------------------------


class Tree:
    """All scopes and tasks, found first and printed then: a scope belongs below its task."""

    def __init__(self):
        self.lines = []
        self.scopes = []
        self.seen = set()
        for root in items(roots()["domains"]):
            self.find(root, 0)
        self.inside = {}  # the scopes in a task, or with 0 in a scope, by their numbers
        tasks = {number(t["id_"]) for state, _ in self.scopes for t, _ in self.running(state)}
        for state, around in self.scopes:
            made_in = number(state["made_in_"]["task"])
            key = ("task", made_in) if made_in in tasks else ("scope", around)
            self.inside.setdefault(key, []).append(state)

    def find(self, domain, around):
        if number(domain) in self.seen:
            return
        self.seen.add(number(domain))
        inside = around
        if class_of(domain) == "scope_state":
            state = at(domain, type_of("scope_state"))
            inside = number(state["id_"])
            self.scopes.append((state, around))
        for child in items(target(domain)["children_"]):
            self.find(child, inside)

    def running(self, state):
        """(task, slot) of each: a worker stands for what it runs; a task has no thread yet."""
        for context in items(state["contexts_"]):
            name = class_of(context)
            slot = target(context)["slot_"]
            if name == "worker":
                task = at(context, type_of("worker"))["runs"]
                if number(task) != 0:
                    yield at(task, type_of("task")), slot
            elif name.startswith("callable_task<"):
                yield at(context, type_of("task")), slot

    def queued(self, state):
        for a_list in (state["queue_"]["tasks_"], state["buffer_"]["tasks_"]):
            for context in items(a_list):
                yield at(context, type_of("task"))

    def add(self, depth, text):
        self.lines.append("  " * depth + text)

    def add_scopes(self, key, depth):
        for state in self.inside.pop(key, []):
            self.add_scope(state, depth)

    def add_scope(self, state, depth):
        me = number(state["id_"])
        queue = state["queue_"]
        running = number(queue["running_"]) + number(queue["uncounted_"])
        waiting = sum(1 for _ in self.queued(state))
        text = "scope %s #%d, made at %s%s" % (
            quoted(string(state["name_"])),
            me,
            line_of(state["where_"]),
            self.age(state["made_at_"]),
        )
        text += ", %d task%s" % (running, "" if running == 1 else "s")
        if number(queue["limit_"]) != UNLIMITED:
            text += " of at most %d" % number(queue["limit_"])
        if waiting != 0:
            text += ", %d queued" % waiting
        self.add(depth, text + self.stop_words(state))
        frame = state["frame_"]
        made_in = number(state["made_in_"]["task"])
        if made_in == 0 and frame["links_"]["linked"] and number(frame["slot_"]) != 0:
            slot = target(frame["slot_"])
            words = "thread %s, %s" % (thread_number(slot), state_words(slot, 0))
            self.add(depth + 1, "owner: " + words)
        self.add_scopes(("scope", me), depth + 1)
        groups = {}  # of tasks that do the same, in the order of their first ones
        for task, thread, words in self.tasks(state):
            me = number(task["id_"])
            same = (string(task["name_"]), line_of(task["spawned_"]), without_time(words))
            key = same if ("task", me) not in self.inside else me
            groups.setdefault(key, []).append((task, thread, words))
        for group in groups.values():
            self.add_group(group, depth + 1)

    def tasks(self, state):
        """(task, thread, what it does) of each; no thread where it has none."""
        for task, slot in self.running(state):
            if number(slot) == 0:
                yield task, "", "starting: no thread has come for it"
                continue
            slot = target(slot)
            has_ended = number(atomic(task["outcome_"])) != 0
            words = "ending" if has_ended else state_words(slot, number(task["id_"]))
            yield task, thread_number(slot), words
        for task in self.queued(state):
            yield task, "", "queued"

    def add_group(self, group, depth):
        first, _, words = group[0]
        size = len(group)
        text = quoted(string(first["name_"])) + (" x%d" % size if size > 1 else "")
        text += " " + some_of(["#%d" % number(task["id_"]) for task, _, _ in group])
        text += ", spawned at %s%s: " % (line_of(first["spawned_"]), self.age(first["since_"]))
        threads = [thread for _, thread, _ in group if thread]
        if threads:
            text += "thread%s %s, " % ("" if size == 1 else "s", some_of(threads))
        self.add(depth, text + words)
        self.add_scopes(("task", number(first["id_"])), depth + 1)

    def age(self, then):
        length = length_since(nanoseconds(then))
        return ", age" + length if length else ""

    def stop_words(self, state):
        if not atomic(state["stopped_"]):
            return ""
        cause = words_at(state["cause_"].address, 1)[0]  # of the counted_ptr
        cause = at(cause, gdb.lookup_type(DETAIL + "kept_cause"))["told"]
        length = length_since(nanoseconds(state["stopped_at_"]))
        text = "; stopped%s (%s" % (length + " ago" if length else "", cause["reason"])
        if string(cause["message"]):
            text += ": " + string(cause["message"])
        return text.replace(NAMESPACE + "stop_reason::", "") + ") at " + line_of(cause["where"])

    def print(self):
        self.add_scopes(("scope", 0), 0)
        for line in self.lines:
            print(line)
        if not self.lines:
            print("no scope")


def roots():
    name = DETAIL + "stop_domain::roots()::all"
    try:
        address = gdb.parse_and_eval("(char*)&'%s'" % name)
    except gdb.error:
        raise gdb.GdbError(
            "roost: there is no symbol %s. Either the program uses no roost, or another version "
            "of it than this script, or it was stripped; or it has not been started, and roost "
            "is in a library." % name
        )
    return at(address, type_of("stop_domain::root_list"))


# --- commands --------------------------------------------------------------------------------


class Roost(gdb.Command):
    """Commands for programs that use roost."""

    def __init__(self):
        super().__init__("roost", gdb.COMMAND_STATUS, prefix=True)


class RoostTasks(gdb.Command):
    """Print all scopes and tasks, and what each waits for.

    A task has the number of its thread in gdb: `thread 3` and `backtrace` show all of it. Equal
    tasks, which are blocked at the same place, say, share a line.

    A blocked task has the call of roost with its line; where what it waits for has no name, the
    address tells it from others: tasks that show the same one wait for the same. A task that is
    not in a call of roost has the innermost line of the program's own code. Times are shown for a
    process on this machine, and not for a core file."""

    def __init__(self):
        super().__init__("roost tasks", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        if argument:
            raise gdb.GdbError("roost tasks takes no argument.")
        if not gdb.selected_inferior().threads():
            raise gdb.GdbError("roost: there is no process: run it, attach to it, or load a core.")
        global moment
        moment = Moment()
        language = gdb.parameter("language")
        gdb.execute("set language c++", to_string=True)  # not that of a frame of the C library
        try:
            Tree().print()
        except gdb.MemoryError as error:
            raise gdb.GdbError(
                "roost: %s. Either a scope or task is being changed at this very moment: then step "
                "on, and try again. Or the program is not the one that was loaded." % error
            )
        except gdb.error as error:
            raise gdb.GdbError(
                "roost: %s. The program has another version of roost than this script." % error
            )
        finally:
            gdb.execute("set language " + language, to_string=True)


Roost()
RoostTasks()

# `step` goes through calls of roost. By the names of functions, and not of files: so it holds for
# the single header, too, and for no file of a program that lies in a folder of the same name.
if "^roost::" not in gdb.execute("info skip", to_string=True):
    gdb.execute("skip -rfu ^roost::", to_string=True)
