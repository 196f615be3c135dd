#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""mutants.py [part of a mutant's name] [--from N]: breaks the library in one place after another, and says which case
of the model notices. BUILD is where it builds, CXX the compiler, SECONDS how long a case may search.
mutants.py --check: only sees that each mutant's text is still there."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
HERE = ROOT / "tests/model"
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build-mutants"))
COMPILER = (["ccache"] if shutil.which("ccache") else []) + [os.environ.get("CXX", "g++")]
FLAGS = "-std=c++20 -O1 -g1 -fno-pie -pthread".split()
SECONDS = os.environ.get("SECONDS", "1.5")


class Mutant:
    def __init__(self, text):
        lines = text.strip("\n").split("\n")
        self.name = lines[0]
        self.file, _, by = lines[1].partition(" by ")
        self.by = [place.partition("/")[::2] for place in by.split(",")]  # a file, a part of its cases' names
        self.old = [line[1:] for line in lines[2:] if line.startswith("-")]
        self.new = "\n".join(line[1:] for line in lines[2:] if line.startswith("+"))

    def applied_to(self, source):
        tokens = re.findall(r"\w+|[^\w\s]", " ".join(self.old))
        pattern = r"\s*".join(re.escape(token) for token in tokens)
        found = list(re.finditer(pattern, source))
        if len(found) != 1:
            sys.exit(f"mutants: {self.name}: what it takes out is {len(found)} times in {self.file}")
        return source[: found[0].start()] + self.new + source[found[0].end() :]


def read_mutants():
    text = (HERE / "mutants/mutants.txt").read_text()
    blocks = re.split(r"^== ", text, flags=re.MULTILINE)[1:]
    return [Mutant(block) for block in blocks]


def compile_file(source, include, output, instrumented):
    command = COMPILER + FLAGS + [f"-I{HERE}/sync", f"-I{include}", f"-I{ROOT}/tests"]
    command += ["-fsanitize=thread"] if instrumented else []
    done = subprocess.run(command + ["-w", "-c", str(source), "-o", str(output)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"mutants: {source} does not compile:\n{done.stderr[:3000]}")


def model_program(include, cases):
    """Builds the model with some files of cases."""
    objects = []
    for source in sorted(HERE.glob("*.cpp")):
        target = BUILD / f"{source.stem}.o"
        if not target.exists() or target.stat().st_mtime < max(f.stat().st_mtime for f in HERE.glob("*.?pp")):
            compile_file(source, include, target, False)
        objects.append(target)
    for name in ["idle"] + cases:
        target = BUILD / f"case_{name}.o"
        compile_file(HERE / f"cases/{name}.cpp", include, target, True)
        objects.append(target)
    program = BUILD / "model"
    link = [COMPILER[-1], "-no-pie", "-pthread"] + [str(o) for o in objects] + ["-o", str(program), "-ldl"]
    subprocess.run(link, check=True)
    return program


def first_failure(program, part):
    command = [str(program)] + ([part] if part else []) + ["--seconds", SECONDS, "--first-failure"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    failed = re.search(r"^(.*\S) +\d+ runs, failed.*\n  FAILS: (.*)", done.stdout, re.MULTILINE)
    if failed:
        return failed.group(1), failed.group(2)
    if done.stdout.startswith("0 cases"):
        sys.exit(f"mutants: no case has {part!r} in its name")
    return None if done.returncode == 0 else ("?", done.stdout[-300:])


def main():
    arguments = sys.argv[1:]
    first = int(arguments.pop(arguments.index("--from") + 1)) if "--from" in arguments else 0
    arguments = [a for a in arguments if a != "--from"]
    mutants = read_mutants()
    for mutant in mutants:  # all must apply, before any is run
        mutant.applied_to((ROOT / "include/roost/detail" / mutant.file).read_text())
        for cases, _ in mutant.by:
            if not (HERE / f"cases/{cases}.cpp").exists():
                sys.exit(f"mutants: {mutant.name}: there are no cases/{cases}.cpp")
    if "--check" in arguments:
        return
    wanted = arguments[0] if arguments else ""
    BUILD.mkdir(parents=True, exist_ok=True)
    include = BUILD / "include"
    shutil.rmtree(include, ignore_errors=True)
    shutil.copytree(ROOT / "include", include)
    missed = 0
    for mutant in [m for m in mutants[first:] if wanted in m.name]:
        begin = time.monotonic()
        target = include / "roost/detail" / mutant.file
        original = target.read_text()
        target.write_text(mutant.applied_to(original))
        caught = None
        for cases, part in mutant.by:
            caught = first_failure(model_program(include, [cases]), part)
            if caught:
                break
        target.write_text(original)
        missed += caught is None
        by = f"{caught[0]}: {caught[1][:90]}" if caught else "NOBODY"
        print(f"{mutant.name:66} {time.monotonic() - begin:5.1f} s  {by}", flush=True)
    print(f"{missed} not caught")
    sys.exit(1 if missed else 0)


main()
