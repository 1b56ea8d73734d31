"""The store in a process of its own, and what it can do at most."""

import datetime
import hashlib
import hmac
import json
import os
import resource
import selectors
import socket
import subprocess
import time


class Store:
    """`examples/bench_store.rs`, empty, with the same time added to each answer."""

    def __init__(self, program, latency):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.at = json.loads(self.process.stdout.readline())
        self.ask(f"latency {latency}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def cpu(self):
        """Processor time so far, in seconds."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def live(self):
        """The digests of what visitors get, by path."""
        objects = self.ask("objects")
        return {key.removeprefix("live/"): digest for key, digest in objects.items() if key.startswith("live/")}


def signed_put(at, key, body):
    """A PutObject as bytes, signed with Signature Version 4 (AWS.md names the rules; the store holds everybody to them)."""
    host = at["s3"].removeprefix("http://")
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    day, digest = now[:8], hashlib.sha256(body).hexdigest()
    path = f"/{at['bucket']}/{key}"
    headers = {"content-length": str(len(body)), "host": host, "x-amz-content-sha256": digest, "x-amz-date": now}
    names = ";".join(headers)
    canonical = "\n".join(["PUT", path, "", *(f"{name}:{value}" for name, value in headers.items()), "", names, digest])
    scope = f"{day}/us-east-1/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    secret = f"AWS4{at['secret_access_key']}".encode()
    for part in [day, "us-east-1", "s3", "aws4_request", text]:
        secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={at['access_key_id']}/{scope}, SignedHeaders={names}, Signature={secret.hex()}"
    )
    lines = [f"PUT {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"authorization: {authorization}", "", ""]).encode() + body


def limit(program, latency, connections, count, size=9_000):
    """What the store does at most: PUTs that were signed before the clock starts, over so many connections, each of which
    sends the next as soon as the last is answered. Seconds, and the processor seconds of the store and of this client."""
    with Store(program, latency) as store:
        address = store.at["s3"].removeprefix("http://").split(":")
        requests = [signed_put(store.at, f"load/{n}", os.urandom(size)) for n in range(count)]
        selector = selectors.DefaultSelector()
        for _ in range(connections):
            connection = socket.create_connection((address[0], int(address[1])))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection, selectors.EVENT_READ)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        began, store_cpu, own = time.monotonic(), store.cpu(), usage.ru_utime + usage.ru_stime
        left = list(selector.get_map().values())
        for key in left:
            if requests:
                key.fileobj.sendall(requests.pop())
        answered = 0
        while answered < count:
            for key, _ in selector.select():
                answer = key.fileobj.recv(65536)
                # An answer to a PUT has no body, and comes in one piece.
                if not answer.startswith(b"HTTP/1.1 200") or not answer.endswith(b"\r\n\r\n"):
                    raise SystemExit(f"the store answered a PUT with {answer[:400]!r}")
                answered += 1
                if requests:
                    key.fileobj.sendall(requests.pop())
        took = time.monotonic() - began
        usage = resource.getrusage(resource.RUSAGE_SELF)
        for key in list(selector.get_map().values()):
            key.fileobj.close()
        return took, store.cpu() - store_cpu, usage.ru_utime + usage.ru_stime - own
