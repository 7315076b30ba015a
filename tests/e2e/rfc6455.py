#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""RFC 6455 case by case, with raw bytes, against a live agent and, beside it, another implementation.

Each case is what a peer sends and the one verdict that the RFC has for it. A case that two independent servers must
agree on is sent to Python's "websockets" as well; where that one is known to be laxer or says it otherwise, the case says
so. All of them go over the Unix socket, and every third over ws:// and every other third over wss://.

Usage: rfc6455.py AGENT     as protocol.py
"""

import asyncio
import base64
import hashlib
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading

import websockets

sys.dont_write_bytecode = True  # nothing is left in the source tree
import protocol

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
PROBE = 999
CASES = []  # section, name, what is sent (a list of writes), verdict, what the other implementation says


# ---- frames ---------------------------------------------------------------------------------------


def frame(opcode, payload=b"", final=True, reserved=0, masked=True, key=b"\x11\x22\x33\x44", length=None):
    """length: the bytes that encode it, in place of the shortest that do."""
    bit = 0x80 if masked else 0
    if length is None:
        size = len(payload)
        if size < 126:
            length = bytes([size])
        elif size < 65536:
            length = b"\x7e" + struct.pack(">H", size)
        else:
            length = b"\x7f" + struct.pack(">Q", size)
    head = bytes([(0x80 if final else 0) | reserved << 4 | opcode, bit | length[0]]) + length[1:]
    if not masked:
        return head + payload
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def question(number=1, pad=0, words=""):
    """A text that is answered with a history; of at least pad bytes."""
    text = json.dumps(dict(type="history", id=number, x=words), ensure_ascii=False).encode()
    return text + b" " * (pad - len(text))


def closing(code=None, reason=b""):
    return frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason)


ASK = frame(TEXT, question())
ANSWERED = "history"


def case(section, name, sent, verdict, other="same"):
    verdicts = verdict if isinstance(verdict, list) else [verdict]  # what was asked before an error may be answered, or not
    CASES.append((section, name, sent if isinstance(sent, list) else [sent], verdicts, other))


def masking():
    key = b"\x00\x00\x00\x00"
    case("5.3", "a mask of zeros", frame(TEXT, question(), key=key), ANSWERED)
    case("5.3", "a mask of ones", frame(TEXT, question(), key=b"\xff" * 4), ANSWERED)
    case("5.3", "another mask for each frame", [frame(TEXT, question(), key=bytes([n] * 4)) for n in (1, 2, 3)],
         "history history history")
    for opcode, word in ((TEXT, "text"), (BINARY, "binary"), (CONTINUATION, "continuation"), (CLOSE, "close"),
                         (PING, "ping"), (PONG, "pong")):
        case("5.1", f"an unmasked {word}", frame(opcode, b"\x03\xe8", masked=False), "close 1002")
    case("5.1", "an unmasked frame after a good one", [ASK, frame(TEXT, question(), masked=False)], ["close 1002", "history close 1002"])
    case("5.1", "an unmasked empty text", frame(TEXT, masked=False), "close 1002")


def lengths():
    for size in (125, 126, 127, 128, 1000, 65535):
        case("5.2", f"a text of {size} bytes", frame(TEXT, question(pad=size)), ANSWERED)
    case("5.2", "a text of 65536 bytes, with 64 bits of length", frame(TEXT, question(pad=65536)), ANSWERED)
    laxer = "accepts what is not the shortest encoding"
    for size in (0, 1, 125):
        case("5.2", f"{size} bytes in 16 bits of length", frame(BINARY, b"x" * size, length=b"\x7e" + struct.pack(">H", size)),
             "close 1002", laxer)
    for size in (0, 125, 126, 65535):
        case("5.2", f"{size} bytes in 64 bits of length", frame(BINARY, b"x" * size, length=b"\x7f" + struct.pack(">Q", size)),
             "close 1002", laxer)
    for length in (1 << 63, (1 << 64) - 1, (1 << 63) + 65536):
        case("5.2", f"the highest bit of the length set ({length:#x})", frame(BINARY, b"", length=b"\x7f" + struct.pack(">Q", length)),
             "close 1002", "calls it too big")


def reserved():
    for opcode, word in ((TEXT, "text"), (BINARY, "binary"), (CONTINUATION, "continuation"), (PING, "ping"), (CLOSE, "close")):
        for bits in range(1, 8):
            case("5.2", f"reserved bits {bits:03b} in a {word}", frame(opcode, b"\x03\xe8", reserved=bits), "close 1002")
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        case("5.2", f"opcode {opcode:#x}", frame(opcode), "close 1002")
        case("5.2", f"opcode {opcode:#x} with a payload, after a good frame", [ASK, frame(opcode, b"x")], ["close 1002", "history close 1002"])
    case("5.2", "a reserved opcode between fragments", [frame(TEXT, b"{", final=False), frame(3, b"x")], "close 1002")


def fragments():
    text = question(words="größer")
    case("5.4", "two fragments", [frame(TEXT, text[:9], final=False), frame(CONTINUATION, text[9:])], ANSWERED)
    case("5.4", "two fragments in one write", frame(TEXT, text[:9], final=False) + frame(CONTINUATION, text[9:]), ANSWERED)
    case("5.4", "a fragment for each byte", [frame(TEXT, text[:1], final=False)]
         + [frame(CONTINUATION, text[n : n + 1], final=False) for n in range(1, len(text))] + [frame(CONTINUATION)], ANSWERED)
    case("5.4", "empty fragments around and between", [
        frame(TEXT, b"", final=False), frame(CONTINUATION, text[:5], final=False), frame(CONTINUATION, b"", final=False),
        frame(CONTINUATION, text[5:], final=False), frame(CONTINUATION, b"")], ANSWERED)
    case("5.4", "a ping between fragments", [frame(TEXT, text[:9], final=False), frame(PING, b"in"), frame(CONTINUATION, text[9:])],
         "pong:in history")
    case("5.4", "a pong between fragments", [frame(TEXT, text[:9], final=False), frame(PONG, b"in"), frame(CONTINUATION, text[9:])],
         ANSWERED)
    case("5.4", "a close between fragments", [frame(TEXT, text[:9], final=False), closing(1000)], "close 1000")
    for payload, word in ((b"", "empty"), (b"x", "of a byte")):
        for final in (True, False):
            case("5.4", f"a continuation of nothing, {word}, {'last' if final else 'not last'}",
                 frame(CONTINUATION, payload, final=final), "close 1002")
    case("5.4", "a continuation after a whole message", [ASK, frame(CONTINUATION, b"x")], ["close 1002", "history close 1002"])
    case("5.4", "a continuation after the last fragment", [
        frame(TEXT, text[:9], final=False), frame(CONTINUATION, text[9:]), frame(CONTINUATION, b"x")], ["close 1002", "history close 1002"])
    for opcode, word in ((TEXT, "text"), (BINARY, "binary")):
        case("5.4", f"a {word} between fragments of a text", [frame(TEXT, b"{", final=False), frame(opcode, b"}")], "close 1002")
        case("5.4", f"a {word} that begins between fragments of a text", [frame(TEXT, b"{", final=False), frame(opcode, b"}", final=False)],
             "close 1002")


def controls():
    for size in (0, 1, 124, 125):
        payload = bytes(range(97, 97 + 26)) * 5
        case("5.5.2", f"a ping of {size} bytes", frame(PING, payload[:size]), f"pong:{payload[:size].decode()}")
    case("5.5.2", "a ping that is no text", frame(PING, b"\xff\xfe"), "pong:\\xff\\xfe")
    case("5.5.3", "a pong that nobody asked for", [frame(PONG, b"hello"), ASK], ANSWERED)
    case("5.5.3", "an empty pong", [frame(PONG), ASK], ANSWERED)
    case("5.5.3", "a pong of 125 bytes", frame(PONG, b"x" * 125), "")
    for opcode, word in ((PING, "ping"), (PONG, "pong"), (CLOSE, "close")):
        case("5.5", f"a {word} of 126 bytes", frame(opcode, b"\x03\xe8" + b"x" * 124), "close 1002")
        case("5.5", f"a {word} of 65536 bytes", frame(opcode, b"\x03\xe8" + b"x" * 65534), "close 1002")
        case("5.5", f"a {word} that is a fragment", frame(opcode, b"\x03\xe8", final=False), "close 1002")
        case("5.5", f"a {word} of 1 byte in 16 bits of length", frame(opcode, b"x", length=b"\x7e\x00\x01"), "close 1002", "accepts it")


def closes():
    case("5.5.1", "a close without a code", closing(), "close")
    case("5.5.1", "a close of one byte", frame(CLOSE, b"\x03"), "close 1002")
    case("5.5.1", "a close with 123 bytes of reason", closing(1000, b"r" * 123), "close 1000")
    case("5.5.1", "a close with a reason in another script", closing(1000, "größer €".encode()), "close 1000")
    case("5.5.1", "what follows a close is not heard", closing(1000) + ASK, "close 1000")
    case("5.5.1", "a close, then what would be an error", closing(1001) + frame(3), "close 1001")
    case("5.5.1", "a close, then another", closing(1000) + closing(1001), "close 1000")
    case("8.1", "a close whose reason is no UTF-8", closing(1000, b"\xff\xfe"), "close 1007", "says 1002")
    case("8.1", "a close whose reason ends inside a character", closing(1000, b"ok \xe2\x82"), "close 1007", "says 1002")
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
        case("7.4", f"a close with {code}", closing(code), f"close {code}")
    for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
        case("7.4", f"a close with {code}, which nobody may send", closing(code), "close 1002")


def utf8():
    good = ["κόσμε", "\u0080", "\u07ff", "\u0800", "\uffff", "\ud7ff", "\ue000", "\ufffd", "\U00010000", "\U0010ffff", "a\u0301"]
    for words in good:
        shown = " ".join(f"{ord(character):04x}" for character in words)
        case("8.1", f"characters {shown}", frame(TEXT, question(words=words)), ANSWERED)
    bad = [b"\x80", b"\xbf", b"\x80\xbf\x80", b"\xc0\xaf", b"\xc1\xbf", b"\xe0\x80\xaf", b"\xe0\x9f\xbf", b"\xf0\x80\x80\xaf", b"\xf0\x8f\xbf\xbf",
           b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\x80\xed\xb0\x80", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80",
           b"\xfc\x84\x80\x80\x80\x80", b"\xfe", b"\xff", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xc3\x28", b"\xe2\x28\xa1", b"\xe2\x82\x28"]
    for words in bad:
        text = b'{"type":"history","id":1,"x":"' + words + b'"}'
        case("8.1", f"bytes {words.hex()} in a text", frame(TEXT, text), "close 1007")
        case("8.1", f"bytes {words.hex()} at the end of a text", frame(TEXT, b"{" + words), "close 1007")
    case("8.1", "a text of one byte that is none", frame(TEXT, b"\xff"), "close 1007")
    text = question(words="€😀")
    for cut in range(text.index("€".encode()) + 1, len(text) - 2):
        case("8.1", f"a text cut at byte {cut}, inside or between characters",
             [frame(TEXT, text[:cut], final=False), frame(CONTINUATION, text[cut:])], ANSWERED)
    case("8.1", "bad bytes cut over two fragments", [frame(TEXT, b'"\xe2', final=False), frame(CONTINUATION, b'\x28"')], "close 1007")
    case("8.1", "a character that the last fragment does not end", [frame(TEXT, b'"\xe2', final=False), frame(CONTINUATION, b"\x82")],
         "close 1007")
    case("8.1", "a ping inside a character", [frame(TEXT, text[:-5], final=False), frame(PING, b"in"), frame(CONTINUATION, text[-5:])],
         "pong:in history")
    case("5.6", "bytes that are no UTF-8 in a binary message are no error of UTF-8", frame(BINARY, b"\xff\xfe"), "error close 1008")


def pieces():
    text = question(pad=300)
    whole = frame(TEXT, text)
    case("5.2", "a frame a byte at a time", [whole[n : n + 1] for n in range(len(whole))], ANSWERED)
    for cut in (1, 2, 3, 4, 7, 8, 9):
        case("5.2", f"a frame cut after byte {cut}", [whole[:cut], whole[cut:]], ANSWERED)
    case("5.2", "twenty frames in one write", ASK * 20, " ".join(["history"] * 20))
    case("5.2", "a bad frame cut after its first byte", [b"\x82", b"\x03abc"], "close 1002")
    large = frame(TEXT, question(pad=65536))
    case("5.2", "64 bits of length a byte at a time", [large[n : n + 1] for n in range(14)] + [large[14:]], ANSWERED)
    case("5.2", "the highest bit of the length, a byte at a time", [bytes([byte]) for byte in frame(BINARY, b"", length=b"\x7f\x80" + b"\0" * 7)],
         "close 1002", "calls it too big")


# ---- the request ----------------------------------------------------------------------------------

REQUESTS = []  # section, name, bytes (TOKEN in it is put in), status or None for an end without an answer, other
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
GOOD = [
    ("Host", "localhost"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", KEY),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Protocol", "hotdrop.v1"),
    ("Authorization", "Bearer TOKEN"),
]


def request(section, name, statuses, line="GET / HTTP/1.1", without=(), also=(), other="same", lines=None, **changed):
    headers = [(key, changed.get(key.replace("-", "_"), value)) for key, value in GOOD if key not in without]
    text = "".join(f"{key}: {value}\r\n" for key, value in headers) + "".join(f"{item}\r\n" for item in also)
    raw = (lines if lines is not None else f"{line}\r\n{text}\r\n").encode("latin-1")
    REQUESTS.append((section, name, raw, statuses if isinstance(statuses, tuple) else (statuses,), other))


def requests():
    request("4.2.1", "as the RFC's example", 101)
    request("4.2.1", "names of headers in small letters", 101, lines="GET / HTTP/1.1\r\n" + "".join(f"{k.lower()}: {v}\r\n" for k, v in GOOD) + "\r\n")
    request("4.2.1", "names of headers in capitals", 101, lines="GET / HTTP/1.1\r\n" + "".join(f"{k.upper()}: {v}\r\n" for k, v in GOOD) + "\r\n")
    request("4.2.1", "headers the other way round", 101, lines="GET / HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in reversed(GOOD)) + "\r\n")
    request("4.2.1", "Upgrade in other letters", 101, Upgrade="WebSocket")
    request("4.2.1", "Connection in other letters", 101, Connection="upgrade")
    request("4.2.1", "Connection with more in it", 101, Connection="keep-alive, Upgrade")
    request("4.2.1", "no blank behind the colon", 101, lines="GET / HTTP/1.1\r\n" + "".join(f"{k}:{v}\r\n" for k, v in GOOD) + "\r\n")
    request("4.2.1", "a header that nobody knows", 101, also=["X-Unknown: yes"])
    request("9.1", "an extension that the agent does not have", 101, also=["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"])
    request("4.2.1", "another key", 101, Sec_WebSocket_Key=base64.b64encode(bytes(range(16))).decode())
    request("4.2.1", "no Host", 400, without=["Host"], other="does not look at it")
    request("4.2.1", "two Hosts", (400, 403), also=["Host: localhost"], other="does not look at it")
    request("4.2.1", "no Upgrade", 426, without=["Upgrade"])
    request("4.2.1", "another Upgrade", 426, Upgrade="h2c")
    request("4.2.1", "an Upgrade that only begins so", (403, 426), Upgrade="websockets")
    request("4.2.1", "no Connection", 400, without=["Connection"])
    request("4.2.1", "Connection: close", 400, Connection="close")
    request("4.2.1", "Connection: keep-alive", 400, Connection="keep-alive")
    request("4.2.1", "a Connection that only contains it", 400, Connection="NoUpgrade, Upgraded")
    request("4.2.1", "no key", 400, without=["Sec-WebSocket-Key"])
    for key, why in (("", "empty"), ("AAAA", "of 3 bytes"), ("AAAAAAAAAAAAAAAAAAAA", "of 15 bytes"), ("A" * 23 + "=", "of 17 bytes"),
                     ("A" * 32, "of 24 bytes"), ("!" * 22 + "==", "that is no base64"), ("x", "of one character"), (KEY + ", " + KEY, "that is two")):
        request("4.2.1", f"a key {why}", 400, Sec_WebSocket_Key=key)
    request("4.2.1", "two keys", 400, also=[f"Sec-WebSocket-Key: {KEY}"])
    request("4.4", "no version", 426, without=["Sec-WebSocket-Version"])
    for version in ("0", "7", "8", "12", "14", "130", "1", "013", "13, 8", "-13", "thirteen", ""):
        request("4.4", f"version '{version}'", 426, Sec_WebSocket_Version=version)
    request("4.4", "two versions", (400, 426), also=["Sec-WebSocket-Version: 13"])
    for method in ("POST", "PUT", "HEAD", "OPTIONS", "DELETE", "get", "BREW"):
        request("4.1", f"method {method}", (400, 403, 404, 405, 426, None), line=f"{method} / HTTP/1.1")
    for version in ("HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "ICY/1.1", ""):
        request("4.1", f"protocol '{version}'", (400, 403, 426, 505, None), line=f"GET / {version}".rstrip())
    ours = "knows no such rule"
    request("4.2.1", "another target", 404, line="GET /admin HTTP/1.1", other=ours)
    request("4.2.1", "no target", (400, 403, 404, None), line="GET HTTP/1.1")
    request("4.1", "no subprotocol", 400, without=["Sec-WebSocket-Protocol"], other=ours)
    request("4.1", "another subprotocol", 400, Sec_WebSocket_Protocol="hotdrop.v2", other=ours)
    request("4.1", "the subprotocol in other letters", 400, Sec_WebSocket_Protocol="HotDrop.v1", other=ours)
    request("10.2", "an Origin", 403, also=["Origin: https://example.org"], other=ours)
    request("4.2.2", "a header folded over two lines", (400, 403, 426, None), also=["X-Folded: one", " two"])
    request("4.2.2", "a blank before the colon", (400, 403, 426, None), without=["Upgrade"], also=["Upgrade : websocket"])
    request("4.2.2", "a header without a colon", (400, 403, 426, None), also=["nonsense"])
    request("4.2.2", "lines that end in LF alone", (400, None), lines="GET / HTTP/1.1\n" + "".join(f"{k}: {v}\n" for k, v in GOOD) + "\n", other="accepts it")
    request("4.2.2", "a CR inside a header", (400, None), also=["X-Odd: a\rb"])
    request("4.2.2", "a NUL inside a header", (400, 403, 426, None), also=["X-Odd: a\0b"])
    request("4.2.2", "a header of 5,000 bytes", (400, 403, 413, 431, None), also=["X-Long: " + "x" * 5000], other="takes longer ones")
    request("4.2.2", "a header of 100,000 bytes", (400, 403, 413, 431, None), also=["X-Long: " + "x" * 100000])
    request("4.2.2", "5,000 headers", (400, 403, 413, 431, None), also=[f"X-Many: {n}" for n in range(5000)])
    request("4.2.2", "bytes of TLS", (400, 403, None), lines="\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "x" * 200 + "\r\n\r\n")
    request("4.2.2", "an HTTP/2 preface", (400, 403, 404, 426, 505, None), lines="PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")


for table in (masking, lengths, reserved, fragments, controls, closes, utf8, pieces, requests):
    table()


# ---- what was heard -------------------------------------------------------------------------------


class Secured(protocol.Raw):
    def __init__(self, jvm):
        plain = socket.create_connection(("127.0.0.1", jvm.tls_port))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(jvm.authority)
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.socket.settimeout(60)
        self.read = b""


class Other(protocol.Raw):
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.settimeout(60)
        self.read = b""


def send_all(raw, writes):
    """The other side may have closed by then."""
    try:
        for write in writes:
            raw.send(write)
    except OSError:
        pass


def hear(raw):
    """The kinds of what comes until the probe is answered, or the connection is closed."""
    heard = []
    message = b""
    while True:
        try:
            first, payload = whole_frame(raw)
        except (EOFError, OSError):
            return " ".join(heard + ["ended"])
        opcode = first & 0x0F
        if opcode == CLOSE:
            code = str(struct.unpack(">H", payload[:2])[0]) if len(payload) >= 2 else "without a whole code" if payload else ""
            return " ".join(heard + [f"close {code}".rstrip()])
        if opcode == PONG:
            heard.append("pong:" + payload.decode("ascii", "backslashreplace"))
        elif opcode in (TEXT, CONTINUATION):
            message += payload
        if opcode in (TEXT, CONTINUATION) and first & 0x80:
            answer = json.loads(message)
            message = b""
            if answer.get("id") == PROBE:
                return " ".join(heard)
            heard.append(answer["type"])


def whole_frame(raw):
    first, second = raw.bytes(2)
    assert second < 128, "a server's frame is masked (RFC 6455, 5.1)"
    assert first & 0x70 == 0, "a server's frame has reserved bits"
    length = second
    if length == 126:
        (length,) = struct.unpack(">H", raw.bytes(2))
    elif length == 127:
        (length,) = struct.unpack(">Q", raw.bytes(8))
    return first, raw.bytes(length)


def verdict(raw, sent, token):
    with raw:
        raw.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) if raw.socket.family == socket.AF_INET else None
        assert raw.request(Authorization="Bearer " + token) == 101, raw.head
        first, payload = whole_frame(raw)
        assert first == 0x81 and json.loads(payload)["type"] == "hello", payload
        send_all(raw, sent[:-1] + [sent[-1] + frame(TEXT, question(PROBE))])
        return hear(raw)


def what_is_missing(raw, sent):
    """RFC 6455, 4.2.2, 5: what 101 must say. None: nothing."""
    key = next(line.split(b":", 1)[1].strip() for line in sent.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
    lines = {}
    for line in raw.head.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        lines[name.strip().lower()] = value.strip()
    good = (
        raw.head.startswith("HTTP/1.1 101 ")
        and lines.get("upgrade", "").lower() == "websocket"
        and "upgrade" in lines.get("connection", "").lower()
        and lines.get("sec-websocket-accept") == accept
        and lines.get("sec-websocket-protocol") == "hotdrop.v1"
        and "sec-websocket-extensions" not in lines
    )
    return None if good else f"101 with {lines}"


def ask(raw, sent, token):
    with raw:
        send_all(raw, [sent.replace(b"TOKEN", token.encode())])
        status = raw.status()
        if status == 101:
            return what_is_missing(raw, sent) or 101
        if status == 426 and "sec-websocket-version: 13" not in raw.head.lower():
            return "426 without the version (4.4)"
        return status


# ---- the other implementation ---------------------------------------------------------------------


async def converse(connection, *_):
    """What the agent answers, as far as it matters here."""
    try:
        await connection.send(json.dumps(dict(type="hello")))
        async for message in connection:
            known = isinstance(message, str) and message.lstrip().startswith('{"type": "history"')
            number = json.loads(message)["id"] if known else None
            await connection.send(json.dumps(dict(type="history" if known else "error", id=number)))
            if not known:
                await connection.close(1008)
    except websockets.ConnectionClosed:
        pass


class Reference:
    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.stopped = None
        started = threading.Event()
        self.thread = threading.Thread(target=self.loop.run_until_complete, args=(self.serve(started),), daemon=True)
        self.thread.start()
        assert started.wait(60)
        return self

    async def serve(self, started):
        self.stopped = asyncio.Event()
        self.loop.set_exception_handler(lambda *_: None)  # of peers that are gone
        import logging

        logging.getLogger("websockets").setLevel(logging.CRITICAL)
        async with websockets.serve(converse, "127.0.0.1", 0, subprotocols=["hotdrop.v1"], compression=None, ping_interval=None) as server:
            self.port = server.sockets[0].getsockname()[1]
            started.set()
            await self.stopped.wait()

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stopped.set)
        self.thread.join(20)


# ---- running --------------------------------------------------------------------------------------


def make_certificates(directory):
    ca, agent = directory + "/ca", directory + "/agent"
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
    run = lambda *words: subprocess.run(["openssl", *words], check=True, stderr=subprocess.DEVNULL)
    run("req", "-x509", *key, "-days", "30", "-subj", "/CN=authority", "-keyout", ca + ".key", "-out", ca + ".pem")
    run("req", *key, "-subj", "/CN=agent", "-addext", "subjectAltName=DNS:localhost", "-keyout", agent + ".key", "-out", agent + ".csr")
    run("x509", "-req", "-in", agent + ".csr", "-copy_extensions", "copy", "-days", "9", "-CA", ca + ".pem", "-CAkey", ca + ".key", "-out", agent + ".pem")
    return ca + ".pem", agent


def start(application):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    authority, agent = make_certificates(application.directory)
    jvm = protocol.Jvm(application, f"listen=wss://127.0.0.1:{port},tls-cert={agent}.pem,tls-key={agent}.key,max-rate=100000/min")
    jvm.tls_port, jvm.authority = port, authority
    return jvm


def ways(jvm, number):
    """Where this case goes: the Unix socket, and of three one over each of the others."""
    chosen = [("unix", lambda: protocol.Raw(jvm))]
    if number % 3 == 1:
        chosen.append(("ws", lambda: protocol.Raw(jvm, remote=True)))
    if number % 3 == 2:
        chosen.append(("wss", lambda: Secured(jvm)))
    return chosen


class Tally:
    def __init__(self):
        self.done, self.wrong = {}, []

    def note(self, way, section, name, given, expected):
        self.done[way] = self.done.get(way, 0) + 1
        if given not in expected:
            self.wrong.append(f"{way}, {section} {name}: {given!r}, not {' or '.join(map(repr, expected))}")


def run_cases(jvm, reference, tally):
    for number, (section, name, sent, expected, other) in enumerate(CASES):
        for way, connect in ways(jvm, number):
            tally.note(way, section, name, verdict(connect(), sent, jvm.token), expected)
        if other == "same":
            tally.note("reference", section, name, verdict(Other(reference.port), sent, jvm.token), expected)


def run_requests(jvm, reference, tally):
    for number, (section, name, sent, expected, other) in enumerate(REQUESTS):
        for way, connect in ways(jvm, number):
            tally.note(way, section, name, ask(connect(), sent, jvm.token), expected)
        if other == "same":
            status = ask_other(reference, sent)
            tally.note("reference", section, name, status == 101, (101 in expected,))


def ask_other(reference, sent):
    with Other(reference.port) as raw:
        send_all(raw, [sent])
        return raw.status()


def main():
    jdks = protocol.find_jdks()
    assert jdks, "no JDK found"
    wrong = 0
    for jdk in jdks:
        application = protocol.Application(jdk)
        jvm = start(application)
        tally = Tally()
        with Reference() as reference:
            run_cases(jvm, reference, tally)
            run_requests(jvm, reference, tally)
        jvm.end()
        application.remove()
        counts = ", ".join(f"{count} {'by' if way == 'reference' else 'over'} {way}" for way, count in tally.done.items())
        print(f"{os.path.basename(jdk)}: {len(CASES)} cases of frames, {len(REQUESTS)} of requests; {counts}; {len(tally.wrong)} wrong", flush=True)
        print("".join(f"  {line}\n" for line in tally.wrong), end="", flush=True)
        wrong += len(tally.wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
