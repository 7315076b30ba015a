#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/remote.md, tried: its shell blocks run as they stand, one after the other, with this build's agent and client.

Usage: remote.py DOCUMENT AGENT CLIENT JAVA_CLASSES JDK_BIN     JAVA_CLASSES: the compiled applications under test
       (Target). HOTDROP_AGENT and HOTDROP_CLIENT take the place of AGENT and CLIENT. The port is another one than in the text, so that tests can run side by side.
"""

import os
import re
import socket
import subprocess
import sys
import tempfile

DOCUMENT, AGENT, CLIENT, CLASSES, TOOLS = map(os.path.abspath, sys.argv[1:6])
AGENT = os.environ.get("HOTDROP_AGENT") or AGENT
CLIENT = os.environ.get("HOTDROP_CLIENT") or CLIENT
INSTALLED = "/usr/local/lib/hotdrop/libhotdrop.so"
GREETER = 'package demo; public class Greeter { public static String greet() { return "%s"; } }\n'

# What stands around the reader's own commands: an application that runs until the script is done.
BEFORE = """set -euo pipefail
hotdrop() { "%s" "$@"; }
mkfifo input; exec 3<>input
java() { command java "$@" <&3 >output 2>errors; }
"""
AFTER_JAVA = """until grep -q "listening on wss" agent/hotdrop.log 2>/dev/null || grep -q ERROR agent/hotdrop.log 2>/dev/null
do sleep 0.1; done
echo "call demo.Greeter greet" >&3
"""
AFTER_ALL = """echo "call demo.Greeter greet" >&3; echo "exit 0" >&3; wait; cat output
"""


def blocks():
    with open(DOCUMENT, encoding="utf-8") as file:
        found = re.findall(r"^```sh\n(.*?)^```$", file.read(), re.M | re.S)
    assert len(found) > 8, found
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def script():
    text = BEFORE % CLIENT
    port = free_port()
    for block in blocks():
        text += "set -x\n" + block.replace(INSTALLED, AGENT).replace("7443", port) + "{ set +x; } 2>/dev/null\n"
        if "java -agentpath" in block:
            text += AFTER_JAVA
        if "hotdrop push" in block:
            text += 'echo "call demo.Greeter greet" >&3\n'
    return text + AFTER_ALL


def make_jars(directory):
    """app.jar: Target and a Greeter that says one; fix.jar: one that says two."""
    for name, word in (("app", "one"), ("fix", "two")):
        source = os.path.join(directory, name + "-source", "Greeter.java")
        classes = os.path.join(directory, name + "-classes")
        os.makedirs(os.path.dirname(source))
        with open(source, "w", encoding="utf-8") as file:
            file.write(GREETER % word)
        subprocess.run(["javac", "-d", classes, source], check=True)
        jar = ["jar", "cfe", os.path.join(directory, name + ".jar"), "Target", "-C", classes, "."]
        subprocess.run(jar + (["-C", CLASSES, "."] if name == "app" else []), check=True)


def main():
    os.environ["PATH"] = TOOLS + ":" + os.environ["PATH"]
    with tempfile.TemporaryDirectory(prefix="hotdrop-remote-") as directory:
        make_jars(directory)
        done = subprocess.run(["bash", "-c", script()], cwd=directory, timeout=120, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        print(done.stdout)
        if done.returncode != 0:
            for name in ("agent/hotdrop.log", "errors"):
                path = os.path.join(directory, name)
                print(name, open(path).read() if os.path.exists(path) else "is not there")
            return 1
        said = done.stdout.split("\n")[-5:-1]
        assert said == ["ready", "one", "two", "one"], said
    return 0


if __name__ == "__main__":
    sys.exit(main())
