#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The websocket protocol, spoken by somebody else's client.

What is here was written from docs/protocol.md: an off-the-shelf websocket library (Python's
"websockets") pushes classes into real JVMs, and plain sockets try everything that must be refused.

Usage: protocol.py AGENT [CASE... | long]     AGENT: libhotdrop.so; each case runs on every JDK
       found (HOTDROP_JDKS, else JAVA_HOME and /usr/lib/jvm). "long" runs those that wait for a
       minute. LD_PRELOAD for the JVM: HOTDROP_E2E_PRELOAD. HOTDROP_AGENT takes AGENT's place.
"""

import asyncio
import base64
import fcntl
import io
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import traceback
import zipfile

import websockets
import websockets.version

# Renamed in version 14 of the library.
HEADERS = "extra_headers" if int(websockets.version.version.split(".")[0]) < 14 else "additional_headers"

AGENT = os.path.abspath(os.environ.get("HOTDROP_AGENT") or sys.argv[1])
CASES = []

TARGET = """
import java.io.*;
import java.util.concurrent.CountDownLatch;

public class Target {
    public static class Greeter { public String hello() { return "hello 1"; } }
    public static class Quiet { }

    /* Loads Slow by itself, and answers the agent's question for its file only when told to. */
    public static class Loader extends ClassLoader {
        final CountDownLatch open = new CountDownLatch(1);
        volatile boolean slow;
        Loader() { super(Target.class.getClassLoader()); }
        @Override protected java.net.URL findResource(String name) {
            if (slow) try { open.await(); } catch (InterruptedException e) { }
            return null;
        }
        Class<?> load() throws Exception {
            InputStream in = Target.class.getResourceAsStream("Slow.class");
            byte[] bytes = new byte[65536];
            int length = 0, n;
            while ((n = in.read(bytes, length, bytes.length - length)) > 0) length += n;
            return defineClass("Slow", bytes, 0, length);
        }
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        Loader loader = new Loader();
        loader.load();
        System.out.println("ready");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            if (line.equals("hello")) System.out.println(new Greeter().hello());
            if (line.equals("block")) { loader.slow = true; System.out.println("blocked"); }
            if (line.equals("open")) { loader.open.countDown(); System.out.println("opened"); }
            if (line.equals("quit")) return;
        }
    }
}
class Slow { String text() { return "slow 1"; } }
"""


# ---- JDKs, compiling, JVMs ------------------------------------------------------------------------


def find_jdks():
    listed = os.environ.get("HOTDROP_JDKS")
    if listed:
        candidates = listed.split(":")
    else:
        installed = sorted(str(path) for path in pathlib.Path("/usr/lib/jvm").glob("*"))
        candidates = [os.environ.get("JAVA_HOME", "")] + installed
    homes = []
    for candidate in candidates:
        home = os.path.realpath(candidate) if candidate else ""
        if home and home not in homes and os.access(home + "/bin/javac", os.X_OK):
            homes.append(home)
    return homes


def environment():
    """With the sanitizers' library in front, where the agent was built with them; HotSpot uses these signals itself."""
    preload = os.environ.get("HOTDROP_E2E_PRELOAD")
    if not preload:
        return None
    options = "handle_segv=0:allow_user_segv_handler=1:detect_leaks=0:handle_sigill=0:handle_sigfpe=0"
    options += ":handle_sigbus=0:use_sigaltstack=0:exitcode=99"
    return dict(os.environ, LD_PRELOAD=preload, ASAN_OPTIONS=options, UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1")


def compile_java(jdk, source, directory):
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, "Target.java")
    with open(path, "w", encoding="utf-8") as file:
        file.write(source)
    options = ["-nowarn", "-Xlint:-options", "--release", "8"]
    if os.path.exists(jdk + "/jre/lib/rt.jar"):  # JDK 8 knows no --release
        options = ["-nowarn"]
    subprocess.run([jdk + "/bin/javac", *options, "-d", directory, path], check=True)


def jar_of(directory, *names):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as jar:
        for name in names:
            jar.write(os.path.join(directory, name), name)
    return memory.getvalue()


def tiny_class(name):
    """An empty public class, as JVMS 4 lays it out."""

    def utf8(text):
        return b"\x01" + struct.pack(">H", len(text)) + text.encode()

    pool = utf8(name) + b"\x07\x00\x01" + utf8("java/lang/Object") + b"\x07\x00\x03"
    return struct.pack(">IHHH", 0xCAFEBABE, 0, 52, 5) + pool + struct.pack(">HHHHHHH", 0x21, 2, 4, 0, 0, 0, 0)


class Application:
    """Compiled once for each JDK."""

    def __init__(self, jdk):
        self.jdk = jdk
        self.directory = tempfile.mkdtemp(prefix="hd-protocol-")
        self.classes = self.directory + "/classes"
        new = self.directory + "/new"
        compile_java(jdk, TARGET, self.classes)
        compile_java(jdk, TARGET.replace("hello 1", "hello 2").replace("slow 1", "slow 2"), new)
        self.jar = jar_of(new, "Target$Greeter.class")
        self.slow_jar = jar_of(new, "Slow.class")

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)


class Jvm:
    def __init__(self, application, options=""):
        self.jdk, self.classes = application.jdk, application.classes
        self.jar, self.slow_jar = application.jar, application.slow_jar
        self.directory = tempfile.mkdtemp(prefix="hd-protocol-")
        self.socket = self.directory + "/socket"
        self.token_file = self.directory + "/token"
        self.log = self.directory + "/log"
        self.store = self.directory + "/store"
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        agent = (
            f"-agentpath:{AGENT}=listen=unix:{self.socket},listen=ws://127.0.0.1:{self.port},"
            f"token={self.token_file},log={self.log},log-level=debug,{options.replace('STORE', self.store)}"
        )
        self.process = subprocess.Popen(
            [self.jdk + "/bin/java", "-Xcheck:jni", "-XX:+IgnoreUnrecognizedVMOptions", "-XX:-CreateCoredumpOnCrash", agent, "-cp", self.classes, "Target"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=open(self.directory + "/stderr", "wb"),
            text=True,
            env=environment(),
        )
        self.expect("ready")
        with open(self.token_file, encoding="utf-8") as file:
            self.token = file.read().strip()

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def expect(self, answer):
        line = self.process.stdout.readline().rstrip("\n")
        assert line == answer, f"the application said {line!r}, not {answer!r}; {self.errors()}"

    def ask(self, command, answer):
        self.tell(command)
        self.expect(answer)

    def errors(self):
        with open(self.directory + "/stderr", encoding="utf-8", errors="replace") as file:
            return file.read()

    def logged(self):
        with open(self.log, encoding="utf-8") as file:
            return file.read()

    async def until_logged(self, text, count=1):
        """Until the agent's log has that so many times."""
        await until(lambda: self.logged().count(text) >= count, f"{count} of {text!r} in the log")

    def local(self, **options):
        return websockets.unix_connect(
            self.socket, "ws://localhost/", subprotocols=["hotdrop.v1"], compression=None, max_size=None, **options
        )

    def remote(self, token=None, **options):
        headers = {"Authorization": "Bearer " + (token or self.token)}
        return websockets.connect(
            f"ws://127.0.0.1:{self.port}/",
            subprotocols=["hotdrop.v1"],
            compression=None,
            max_size=None,
            **{HEADERS: headers},
            **options,
        )

    def end(self):
        """A JVM that is told to end does, normally, with nothing on its streams that is not the application's."""
        try:
            if self.process.poll() is None:
                self.tell("quit")
            status = self.process.wait(30)
            rest = self.process.stdout.read()
            assert status == 0, f"the JVM ended with {status}: {self.errors()}"
            assert rest == "", f"stdout: {rest!r}"
            assert "WARNING in native" not in self.errors() and "FATAL" not in self.errors(), self.errors()
            assert not os.path.exists(self.socket), "the socket is still there"
        finally:
            self.remove()

    def remove(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


# ---- waiting for what nobody tells ----------------------------------------------------------------


async def until(holds, what, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"in {seconds} s there was no {what}"
        await asyncio.sleep(0.01)


async def until_there_are(jvm, count):
    end = time.monotonic() + 60
    while await deployments(jvm) != count:
        assert time.monotonic() < end, f"there are {await deployments(jvm)} deployments, not {count}"


# ---- what a client does ---------------------------------------------------------------------------


async def receive(connection, wanted, seconds=60):
    """The next message of a type; progress on the way is kept in order."""
    seen = []
    while True:
        message = json.loads(await asyncio.wait_for(connection.recv(), seconds))
        seen.append(message)
        if message["type"] == wanted:
            return message, seen
        assert message["type"] == "progress", message


async def greet(connection):
    message, _ = await receive(connection, "hello")
    return message


async def say(connection, **message):
    await connection.send(json.dumps(message))


async def begin(connection, jar, kind="push", number=1, **more):
    await say(connection, type=kind, id=number, size=len(jar), name="app.jar", **more)


async def push(connection, jar, kind="push", number=1, **more):
    await begin(connection, jar, kind, number, **more)
    await connection.send(jar)
    report, _ = await receive(connection, "report")
    assert report["id"] == number
    return report


async def send_in_vain(connection, jar):
    """The agent may refuse and close before all is sent."""
    try:
        await connection.send(jar)
    except websockets.ConnectionClosed:
        pass


async def closed_with(connection, code, seconds=60):
    try:
        while True:
            await asyncio.wait_for(connection.recv(), seconds)
    except websockets.ConnectionClosed:
        assert connection.close_code == code, f"closed with {connection.close_code}, not {code}"


async def deployments(jvm):
    async with jvm.local() as connection:
        return (await greet(connection))["deployments"]


class Raw:
    """A peer that keeps to no rule."""

    def __init__(self, jvm, remote=False):
        if remote:
            self.socket = socket.create_connection(("127.0.0.1", jvm.port))
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(jvm.socket)
        self.socket.settimeout(60)
        self.read = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def is_read(self):
        """The agent has read all that was sent (unix(7), SIOCOUTQ)."""
        return struct.unpack("i", fcntl.ioctl(self.socket, termios.TIOCOUTQ, b"\0\0\0\0"))[0] == 0

    def request(self, target="/", head=None, **headers):
        lines = {
            "Host": "localhost",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Protocol": "hotdrop.v1",
        }
        lines.update({name.replace("_", "-"): value for name, value in headers.items()})
        text = head or f"GET {target} HTTP/1.1\r\n"
        text += "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
        self.send(text.encode() + b"\r\n")
        return self.status()

    def status(self):
        """The HTTP status; None when the connection just ended."""
        while b"\r\n\r\n" not in self.read:
            try:
                data = self.socket.recv(65536)
            except ConnectionError:
                data = b""
            if not data:
                return None
            self.read += data
        head, _, self.read = self.read.partition(b"\r\n\r\n")
        self.head = head.decode()
        return int(self.head.split()[1])

    def bytes(self, count):
        while len(self.read) < count:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self.read += data
        data, self.read = self.read[:count], self.read[count:]
        return data

    def frame(self):
        first, second = self.bytes(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack(">H", self.bytes(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self.bytes(8))
        return first & 0x0F, self.bytes(length)

    def send_frame(self, opcode, payload, final=True, masked=True, reserved=0):
        head = bytes([(0x80 if final else 0) | reserved | opcode])
        length = len(payload)
        bit = 0x80 if masked else 0
        if length < 126:
            head += bytes([bit | length])
        elif length < 65536:
            head += bytes([bit | 126]) + struct.pack(">H", length)
        else:
            head += bytes([bit | 127]) + struct.pack(">Q", length)
        mask = os.urandom(4) if masked else b""
        if masked:
            payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self.send(head + mask + payload)

    def expect_close(self, code, what=""):
        """Reads until the agent's close frame."""
        opcode = None
        while opcode != 8:
            opcode, payload = self.frame()
        given = struct.unpack(">H", payload[:2])[0] if payload else None
        assert given == code, f"closed with {given}, not {code}: {what}"

    def upgraded(self):
        assert self.request() == 101, self.head
        opcode, payload = self.frame()
        assert opcode == 1 and json.loads(payload)["type"] == "hello"
        return self


# ---- cases ----------------------------------------------------------------------------------------


def case(options="", ends_itself=False, long=False):
    def register(function):
        CASES.append((function.__name__, function, options, ends_itself, long))
        return function

    return register


@case()
async def a_push_over_the_unix_socket_is_live(jvm):
    jvm.ask("hello", "hello 1")
    async with jvm.local() as connection:
        hello = await greet(connection)
        assert hello["protocol"] == "hotdrop.v1" and hello["pid"] == jvm.process.pid and hello["user"] == os.getuid()
        assert hello["deployments"] == 0 and hello["role"] == "operator"
        report = await push(connection, jvm.jar, message="fix")
        assert report["applied"] and report["deployment"] == 1 and report["error"] is None, report
        row = report["classes"][0]
        assert (row["class"], row["loader"], row["outcome"]) == ("Target$Greeter", "app", "redefined"), row
        jvm.ask("hello", "hello 2")

        await say(connection, type="status", id=2)
        status, _ = await receive(connection, "status")
        assert status["state"] == report["state"] and status["classes"][0]["deployment"] == 1, status
        assert status["busy"] is None
        await say(connection, type="history", id=3)
        history, _ = await receive(connection, "history")
        line = history["deployments"][0]
        assert line["message"] == "fix" and line["outcomes"]["redefined"] == 1 and line["way"] == "local", line
        assert line["who"].startswith(f"uid:{os.getuid()}") and str(os.getpid()) in line["from"], line
        await say(connection, type="show", id=4, deployment=1)
        show, _ = await receive(connection, "show")
        assert show["classes"] == report["classes"] and show["bundle"] == line["bundle"]
        await say(connection, type="show", id=5, deployment=9)
        error, _ = await receive(connection, "error")
        assert error["reason"] == "not-found" and error["id"] == 5


@case()
async def a_push_with_the_token_over_tcp_is_live(jvm):
    async with jvm.remote() as connection:
        await greet(connection)
        report = await push(connection, jvm.jar)
        assert report["applied"], report
        jvm.ask("hello", "hello 2")
        await say(connection, type="show", id=2, deployment=1)
        show, _ = await receive(connection, "show")
        assert show["who"] == "token:" + jvm.token_file and show["from"].startswith("127.0.0.1:"), show
        assert show["way"] == "websocket"
    assert os.stat(jvm.token_file).st_mode & 0o777 == 0o600
    assert os.stat(jvm.socket).st_mode & 0o777 == 0o600


@case()
async def a_check_changes_nothing(jvm):
    jvm.ask("hello", "hello 1")
    async with jvm.local() as connection:
        await greet(connection)
        report = await push(connection, jvm.jar, "check")
        assert report["deployment"] is None and report["classes"][0]["outcome"] == "redefined", report
    jvm.ask("hello", "hello 1")
    assert await deployments(jvm) == 0


@case()
async def messages_may_be_cut_anywhere(jvm):
    async with jvm.local() as connection:
        await greet(connection)
        request = json.dumps(dict(type="push", id=7, size=len(jvm.jar), name="größe.jar")).encode().decode()
        await connection.send([request[:9], request[9:40], request[40:]])  # three fragments
        pieces = [jvm.jar[at : at + 3] for at in range(0, len(jvm.jar), 3)]
        for piece in pieces[:20]:
            await connection.send(piece)
        await asyncio.wait_for(await connection.ping(), 10)
        await say(connection, type="history", id=8)
        await receive(connection, "history")
        await connection.send(pieces[20:])  # one message of many fragments
        report, seen = await receive(connection, "report")
        assert report["applied"] and seen[0]["stage"] == "received"


@case()
async def what_is_no_bundle_is_reported_and_numbered(jvm):
    async with jvm.local() as connection:
        await greet(connection)
        report = await push(connection, b"this is no jar")
        assert not report["applied"] and report["error"]["reason"] == "malformed-bundle", report
        assert report["deployment"] == 1
        assert (await push(connection, jvm.jar, number=2))["applied"]


@case()
async def a_connection_lost_before_the_last_byte_changes_nothing(jvm):
    for remote in (False, True):
        async with jvm.remote() if remote else jvm.local() as connection:
            await greet(connection)
            await begin(connection, jvm.jar)
            await connection.send(jvm.jar[:-1])
            connection.transport.abort()
    await jvm.until_logged(" gone: ", 2)
    assert await deployments(jvm) == 0
    jvm.ask("hello", "hello 1")


@case()
async def a_job_goes_on_when_its_connection_is_lost(jvm):
    jvm.ask("block", "blocked")
    async with jvm.local() as connection:
        await greet(connection)
        await begin(connection, jvm.slow_jar)
        await connection.send(jvm.slow_jar)
        await receive(connection, "progress")
        connection.transport.abort()
    jvm.ask("open", "opened")
    await until_there_are(jvm, 1)


@case()
async def a_second_push_waits_its_turn(jvm):
    jvm.ask("block", "blocked")
    async with jvm.local() as first, jvm.local() as second:
        await greet(first)
        await greet(second)
        await begin(first, jvm.slow_jar)
        await first.send(jvm.slow_jar)
        await receive(first, "progress")
        await begin(second, jvm.jar, number=5)
        await second.send(jvm.jar)
        progress, _ = await receive(second, "progress")
        assert progress["stage"] == "received"
        progress, _ = await receive(second, "progress")
        assert progress["stage"] == "queued" and progress["ahead"] == 1 and progress["seconds"] >= 4, progress
        await say(second, type="status", id=6)
        status, _ = await receive(second, "status", seconds=2)
        assert status["busy"] is not None and status["classes"] == [], status
        jvm.ask("hello", "hello 1")

        for _ in range(4):  # after ten seconds the wait has a name
            progress, _ = await receive(first, "progress")
            if progress.get("doing"):
                break
        assert "Slow" in progress["doing"] and progress["stage"] == "working", progress
        await say(second, type="push", id=7, size=1, name="more.jar")
        error, _ = await receive(second, "error")
        assert error["reason"] == "bad-request" and error["id"] == 7, error
        await closed_with(second, 1008)

        jvm.ask("open", "opened")
        report, _ = await receive(first, "report")
        assert report["deployment"] == 1, report
    await until_there_are(jvm, 2)
    jvm.ask("hello", "hello 2")


@case()
async def foreign_handshakes_are_refused(jvm):
    bearer = "Bearer " + jvm.token
    refused = [
        (403, dict(Origin="http://localhost")),
        (403, dict(Origin="null")),
        (403, dict(Host="evil.example")),
        (403, dict(Host="localhost.evil.example:80")),
        (426, dict(Upgrade="h2c", HTTP2_Settings="AAMAAABkAAQAAP__", Connection="Upgrade, HTTP2-Settings")),
        (426, dict(Upgrade=None)),
        (426, dict(Sec_WebSocket_Version="8")),
        (400, dict(Sec_WebSocket_Protocol=None)),
        (400, dict(Sec_WebSocket_Protocol="hotdrop.v2")),
        (400, dict(Sec_WebSocket_Protocol="relay")),
        (400, dict(Host=None)),
        (404, dict(target="/admin")),
    ]
    for remote in (False, True):
        for expected, headers in refused:
            with Raw(jvm, remote) as raw:
                status = raw.request(**{"Authorization": bearer, **headers})
                assert status == expected, (remote, headers, status)
        for wrong in (None, "Bearer", "Bearer " + jvm.token[:-1], "Bearer " + jvm.token + "0", "Basic " + jvm.token):
            with Raw(jvm, remote) as raw:
                status = raw.request(Authorization=wrong)
                assert status == (401 if remote else 101), (remote, wrong, status)
                if remote:
                    assert "www-authenticate: bearer" in raw.head.lower(), raw.head
        with Raw(jvm, remote) as raw:
            assert raw.request(Authorization=bearer) == 101
    for protocols in ("relay, hotdrop.v1", "watch,hotdrop.v1", "http, hotdrop.v1"):
        with Raw(jvm) as raw:
            assert raw.request(Sec_WebSocket_Protocol=protocols) != 101
    assert jvm.token not in jvm.logged()


@case("store=STORE")
async def whoever_is_refused_again_and_again_does_not_fill_the_journal(jvm):
    journal = os.path.join(jvm.store, "journal")

    def lines():
        with open(journal, encoding="utf-8") as file:
            return [line for line in map(json.loads, file) if line["event"] == "refused"]

    for number in range(400):
        with Raw(jvm, remote=True) as raw:
            assert raw.request(Authorization=f"Bearer wrong{number}") == 401
    counted = lambda: sum(line["count"] for line in lines())
    await until(lambda: len(lines()) == 60 or counted() == 400, "line for them, or sixty of those")
    first = lines()
    assert first[0]["what"] == "connect" and first[0]["from"].startswith("127.0.0.1:"), first[0]
    assert first[0]["role"] == "none" and first[0]["needed"] == "viewer" and first[0]["way"] == "websocket", first[0]
    async with jvm.local() as connection:
        await greet(connection)
        assert (await push(connection, jvm.jar))["deployment"] == 1
    assert len(lines()) <= 60 and counted() <= 400, lines()
    assert "wrong" not in pathlib.Path(journal).read_text()


@case()
async def broken_requests_end_the_connection(jvm):
    for head in (b"GET / HTTP/1.1\nHost: localhost\n\n", b"\x16\x03\x01\x02\x00" * 40 + b"\r\n\r\n", b"x" * 9000):
        with Raw(jvm) as raw:
            raw.send(head)
            status = raw.status()
            assert status in (None, 400, 403, 404), (head[:20], status)
    with Raw(jvm) as raw:
        assert raw.request(head="POST / HTTP/1.1\r\n") != 101
    with Raw(jvm) as raw:
        raw.request()
    assert await deployments(jvm) == 0


@case()
async def a_peer_that_says_nothing_is_let_go_after_ten_seconds(jvm):
    with Raw(jvm) as raw:
        began = time.monotonic()
        assert raw.status() is None
        assert 8 < time.monotonic() - began < 15


@case()
async def unmasked_frames_are_refused(jvm):
    request = json.dumps(dict(type="history", id=1)).encode()
    with Raw(jvm) as raw:
        raw.upgraded().send_frame(1, request, masked=False)
        raw.expect_close(1002)
    with Raw(jvm) as raw:  # after a good one, and cut between its first two bytes
        raw.upgraded().send_frame(1, request)
        raw.frame()
        raw.send(b"\x82")
        await until(raw.is_read, "reading of the first byte")
        raw.send(b"\x03abc")
        raw.expect_close(1002)
    with Raw(jvm, remote=True) as raw:  # in the same packet as the handshake
        assert raw.request(Authorization="Bearer " + jvm.token) == 101
        raw.send_frame(9, b"", masked=False)
        raw.expect_close(1002)


@case()
async def bad_utf8_is_refused(jvm):
    for payload in (b'{"type":"status\xff"}', b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"):
        with Raw(jvm) as raw:
            raw.upgraded().send_frame(1, payload)
            raw.expect_close(1007, payload)
    with Raw(jvm) as raw:  # a character that does not end
        raw.upgraded().send_frame(1, b'{"type":"\xe2\x82')
        raw.expect_close(1007)
    with Raw(jvm) as raw:  # cut across fragments: good, then bad
        good = '{"type":"history","id":1,"x":"€"}'.encode()
        raw.upgraded().send_frame(1, good[:31], final=False)
        raw.send_frame(0, good[31:])
        assert json.loads(raw.frame()[1])["type"] == "history"
        raw.send_frame(1, b'"\xe2', final=False)
        raw.send_frame(0, b'\x28"')
        raw.expect_close(1007)


@case()
async def broken_frames_are_refused(jvm):
    def interleaved(raw):
        raw.send_frame(1, b"{", final=False)
        raw.send_frame(1, b"}")

    broken = [
        lambda raw: raw.send_frame(0, b"x"),
        interleaved,
        lambda raw: raw.send_frame(3, b""),
        lambda raw: raw.send_frame(1, b"{}", reserved=0x40),
        lambda raw: raw.send_frame(9, b"x" * 126),
        lambda raw: raw.send_frame(9, b"x", final=False),
    ]
    for number, send in enumerate(broken):
        with Raw(jvm) as raw:
            send(raw.upgraded())
            raw.expect_close(1002, number)


@case()
async def requests_that_are_none_are_answered_and_end_the_connection(jvm):
    bad = [
        b"", b"[]", b"nonsense", b"{}", b'{"type":"dance","id":1}', b'{"type":"push","id":1,"size":0,"name":"x"}',
        b'{"type":"push","id":1,"size":5,"name":"x","force":true}', b'{"type":"push","id":-1,"size":5,"name":"x"}',
        b'{"type":"status"}', b'{"type":"push","id":1,"id":2,"size":5,"name":"x"}', b"[" * 50000, b" " * 70000,
    ]
    for payload in bad:
        async with jvm.local() as connection:
            await greet(connection)
            await connection.send(payload.decode())
            error, _ = await receive(connection, "error")
            assert error["reason"] == "bad-request" and error["id"] is None, (payload[:60], error)
            await closed_with(connection, 1008)
    async with jvm.local() as connection:  # bytes that nobody announced
        await greet(connection)
        await connection.send(b"bytes")
        error, _ = await receive(connection, "error")
        assert error["reason"] == "bad-request"
        await closed_with(connection, 1008)
    async with jvm.local() as connection:  # more than announced
        await greet(connection)
        await say(connection, type="push", id=1, size=3, name="x.jar")
        await connection.send(b"four")
        error, _ = await receive(connection, "error")
        assert error["reason"] == "bad-request" and error["id"] == 1
        await closed_with(connection, 1008)
    assert await deployments(jvm) == 0


@case("max-bundle=64K")
async def a_bundle_that_is_too_large_is_refused_before_it_is_sent(jvm):
    async with jvm.local() as connection:
        assert (await greet(connection))["max_bundle"] == 65536
        await say(connection, type="push", id=1, size=65537, name="big.jar")
        error, _ = await receive(connection, "error")
        assert error["reason"] == "too-large" and "65536" in error["message"], error
        await closed_with(connection, 1009)
    async with jvm.local() as connection:  # and while it is being sent
        await greet(connection)
        await say(connection, type="push", id=1, size=10_000_000, name="big.jar")
        await send_in_vain(connection, b"x" * 10_000_000)
        error, _ = await receive(connection, "error")
        assert error["reason"] == "too-large"
        await closed_with(connection, 1009)


@case("max-rate=2/min")
async def pushes_are_limited_in_rate(jvm):
    for expected in ("report", "report", "error"):
        async with jvm.local() as connection:
            await greet(connection)
            await begin(connection, jvm.jar)
            await send_in_vain(connection, jvm.jar)
            answer, _ = await receive(connection, expected)
            if expected == "error":
                assert answer["reason"] == "rate-limited" and "again in" in answer["message"], answer
                await closed_with(connection, 1008)


@case()
async def connections_are_bounded(jvm):
    held = [await jvm.local() for _ in range(16)]
    with Raw(jvm) as raw:
        assert raw.request() == 503
    others = [await jvm.remote() for _ in range(16)]
    with Raw(jvm, remote=True) as raw:
        assert raw.request(Authorization="Bearer " + jvm.token) == 503
    await held.pop().close()
    await jvm.until_logged(" gone: ")
    await (await jvm.local()).close()
    for connection in held + others:
        await connection.close()


@case()
async def many_silent_connections_keep_nobody_out_for_long(jvm):
    silent = [Raw(jvm, remote=True) for _ in range(200)]
    async with jvm.local() as connection:
        await greet(connection)
        assert (await push(connection, jvm.jar))["applied"]
    for raw in silent:
        raw.socket.close()


@case()
async def a_report_of_ten_thousand_rows_arrives(jvm):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as jar:
        for number in range(10_000):
            jar.writestr(f"generated/C{number:05}.class", tiny_class(f"generated/C{number:05}"))
    async with jvm.local() as connection:
        await greet(connection)
        report = await push(connection, memory.getvalue(), "check")
        assert len(report["classes"]) == 10_000, report["error"]
        assert {row["class"] for row in report["classes"]} == {f"generated.C{number:05}" for number in range(10_000)}


@case()
async def a_slow_reader_holds_up_nobody(jvm):
    with Raw(jvm) as raw:
        raw.upgraded()
        request = json.dumps(dict(type="history", id=1)).encode()
        try:
            raw.socket.settimeout(0.5)
            for _ in range(20_000):  # and reads none of the answers
                raw.send_frame(1, request)
        except (TimeoutError, socket.timeout, ConnectionError):
            pass
        async with jvm.local() as connection:
            await greet(connection)
            assert (await push(connection, jvm.jar))["applied"]


@case()
async def the_threads_sleep_when_nothing_happens(jvm):
    def switches():
        counts = {}
        for task in pathlib.Path(f"/proc/{jvm.process.pid}/task").iterdir():
            name = (task / "comm").read_text().strip()
            if name.startswith("hotdrop-"):
                status = (task / "status").read_text()
                counts[name] = [int(line.split()[1]) for line in status.splitlines() if "ctxt_switches" in line]
        return counts

    await deployments(jvm)
    await jvm.until_logged(" gone: ")
    before = None
    while before != switches():  # the loop is asleep again when it has not run between two looks
        before = switches()
        await asyncio.sleep(0.1)
    assert set(before) == {"hotdrop-loop", "hotdrop-engine"}, before
    await asyncio.sleep(5)  # this is the measurement: five seconds of nothing
    assert switches() == before


@case(ends_itself=True)
async def interrupted_in_the_middle_of_a_push_the_jvm_ends(jvm):
    jvm.ask("block", "blocked")
    async with jvm.local() as connection:
        await greet(connection)
        await begin(connection, jvm.slow_jar)
        await connection.send(jvm.slow_jar)
        await receive(connection, "progress")
        began = time.monotonic()
        jvm.process.send_signal(signal.SIGINT)
        await closed_with(connection, 1001)
        assert jvm.process.wait(10) == 130, jvm.process.returncode
        assert time.monotonic() - began < 3
    assert not os.path.exists(jvm.socket)


@case(ends_itself=True)
async def a_killed_jvm_leaves_a_socket_that_the_next_one_replaces(jvm):
    jvm.process.kill()
    jvm.process.wait()
    assert os.path.exists(jvm.socket)
    process = subprocess.run(
        [jvm.jdk + "/bin/java", f"-agentpath:{AGENT}=listen=unix:{jvm.socket}", "-cp", jvm.classes, "Target"],
        input="quit\n", text=True, capture_output=True, check=True, timeout=60, env=environment(),
    )
    assert f"listening on unix:{jvm.socket}" in process.stderr, process.stderr
    assert not os.path.exists(jvm.socket)


@case("max-rate=100000/min")
async def a_confirmation_and_the_timer_cross_and_one_wins(jvm):
    crossings, confirmed = 60, 0
    async with jvm.local() as connection:
        await greet(connection)
        for crossing in range(crossings):
            number = 4 * crossing + 1
            await begin(connection, jvm.jar, number=number, confirm_within=40)
            await connection.send(jvm.jar)
            report, _ = await receive(connection, "report")
            assert report["trial"]["ended"] is None, report
            await asyncio.sleep(random.uniform(0.034, 0.042))  # about when the agent's own 40 ms are over: that is the crossing
            await say(connection, type="confirm", id=number + 1, deployment=report["deployment"])
            answer, _ = await receive(connection, "confirm")
            await say(connection, type="show", id=number + 2, deployment=report["deployment"])
            trial = (await receive(connection, "show"))[0]["trial"]
            assert answer["trial"] == trial and answer["already"] is False, (answer, trial)
            assert (answer["error"] is None) == answer["confirmed"] == (trial["ended"] == "confirmed"), answer
            jvm.ask("hello", "hello 2" if answer["confirmed"] else "hello 1")
            if answer["confirmed"]:
                confirmed += 1
                await say(connection, type="rollback", id=number + 3)
                await receive(connection, "report")
            else:
                assert answer["error"]["reason"] == "no-trial", answer
                assert f"deployment {trial['rollback']}" in answer["error"]["message"], answer
    print(f"{confirmed} of {crossings} confirmed", flush=True)


@case()
async def a_trial_ends_by_confirmation_or_by_a_rollback_that_names_it(jvm):
    async with jvm.local() as connection:
        await greet(connection)
        await begin(connection, jvm.jar, confirm_within=60_000)
        await connection.send(jvm.jar)
        report, _ = await receive(connection, "report")
        assert report["trial"] == dict(milliseconds=60_000, ended=None, who=None, when=None, rollback=None), report
        await say(connection, type="rollback", id=2, trial=7)
        report, _ = await receive(connection, "report")
        assert report["error"]["reason"] == "no-trial" and not report["applied"], report
        await say(connection, type="rollback", id=3, trial=1)
        report, _ = await receive(connection, "report")
        assert report["applied"] and report["undone"] == [1], report
        await say(connection, type="confirm", id=4)
        answer, _ = await receive(connection, "confirm")
        assert not answer["confirmed"] and "deployment 3" in answer["error"]["message"], answer
        await say(connection, type="status", id=5, blocking=True)
        status, _ = await receive(connection, "status")
        assert status["blocking"] == dict(threads=[], more=0) and status["trial"] is None, status
        assert set(status["memory"]) == {"originals", "patches", "history", "index"}, status


@case(long=True)
async def a_dead_peer_is_found_and_a_quiet_one_is_kept(jvm):
    with Raw(jvm) as dead, Raw(jvm) as stalled:
        dead.upgraded()
        stalled.upgraded().send_frame(1, json.dumps(dict(type="push", id=1, size=100, name="x.jar")).encode())
        began = time.monotonic()
        async with jvm.local(ping_interval=None) as quiet:  # answers pings, says nothing
            await greet(quiet)
            dead.socket.settimeout(90)
            opcode = await asyncio.to_thread(lambda: dead.frame()[0])
            assert opcode == 9 and 25 < time.monotonic() - began < 40, (opcode, time.monotonic() - began)
            try:
                while await asyncio.to_thread(dead.frame):
                    pass
            except (EOFError, ConnectionError):
                assert 50 < time.monotonic() - began < 75, time.monotonic() - began
            await asyncio.sleep(max(0, 80 - (time.monotonic() - began)))
            assert (await push(quiet, jvm.jar))["applied"]
        stalled.socket.settimeout(5)
        try:
            stalled.expect_close(1008)  # no byte of its bundle came within a minute
        except (EOFError, ConnectionError):
            pass
    assert await deployments(jvm) == 1


# ---- running --------------------------------------------------------------------------------------


def run_case(application, function, options, ends_itself):
    jvm = Jvm(application, options)
    try:
        asyncio.run(asyncio.wait_for(function(jvm), 120))
        if not ends_itself:
            jvm.end()
    except Exception:
        traceback.print_exc()
        print("stderr of the JVM:", jvm.errors()[-2000:], "\nlog:", jvm.logged()[-3000:], sep="\n")
        raise
    finally:
        jvm.remove()


def run_all(application, chosen):
    """How many of the cases failed."""
    failed = 0
    for name, function, options, ends_itself, long in CASES:
        if name not in chosen and (chosen or long) and not (long and chosen == ["long"]):
            continue
        began = time.monotonic()
        try:
            run_case(application, function, options, ends_itself)
            verdict = "ok"
        except Exception:  # told already
            verdict = "FAILED"
            failed += 1
        jdk = os.path.basename(application.jdk)
        print(f"{verdict:7}{jdk}: {name} ({time.monotonic() - began:.1f} s)", flush=True)
    return failed


def main():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell runs in the background, and so in the JVMs
    jdks = find_jdks()
    assert jdks, "no JDK found"
    failed = 0
    for jdk in jdks:
        application = Application(jdk)
        failed += run_all(application, sys.argv[2:])
        application.remove()
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
