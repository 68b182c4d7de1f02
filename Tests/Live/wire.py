"""HTTP/1.1 as bytes over asyncio streams: what a check sends and reads is spelled out, nothing is done for it."""

import asyncio
import gzip
import json
import socket
import struct
import zlib


class Closed(Exception):
    """The server closed where an answer was due."""


class Connection:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port, receive_buffer=None):
        connected = socket.socket()
        connected.setblocking(False)
        if receive_buffer:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            await asyncio.get_running_loop().sock_connect(connected, ("127.0.0.1", port))
            return cls(*await asyncio.open_connection(sock=connected, limit=1 << 17))
        except BaseException:
            connected.close()
            raise

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def response(self):
        """Status, fields by lowercase name, and body of the next answer."""
        status, fields = await self.head()
        if status in (204, 304) or status < 200:
            return status, fields, b""
        if fields.get("transfer-encoding") == "chunked":
            return status, fields, await self._chunks()
        try:
            return status, fields, await self.reader.readexactly(int(fields["content-length"]))
        except asyncio.IncompleteReadError:
            raise Closed("in a body") from None

    async def head(self):
        try:
            text = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            raise Closed(f"after {len(error.partial)} bytes of a head") from None
        first, *lines = text.decode("latin-1").split("\r\n")[:-2]
        fields = dict(line.lower().split(": ", 1) for line in lines)
        return int(first.split(" ")[1]), fields

    async def _chunks(self):
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)
        return body

    def half_close(self):
        self.writer.write_eof()

    async def close(self):
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except OSError:
            pass

    def reset(self):
        """Closes with a reset, as a process that crashed or a proxy does."""
        plain = self.writer.get_extra_info("socket")
        if plain is not None and plain.fileno() >= 0:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def request(path, body=b"", fields=(), method="POST"):
    """A request with Content-Length."""
    lines = [f"{method} {path} HTTP/1.1", "Host: soak", *fields, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def chunked_request(path, pieces, fields=()):
    """A request whose body comes in these chunks."""
    lines = [f"POST {path} HTTP/1.1", "Host: soak", *fields, "Transfer-Encoding: chunked", "", ""]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece)
    return "\r\n".join(lines).encode() + chunks + b"0\r\n\r\n"


def pack(coding, data):
    return gzip.compress(data, 1) if coding == "gzip" else zlib.compress(data, 1)


def unpack(fields, body):
    coding = fields.get("content-encoding")
    if coding is None:
        return body
    return gzip.decompress(body) if coding == "gzip" else zlib.decompress(body)


def infer_json(rows, **members):
    """The JSON of an inference of the model `identity`."""
    tensor = {"name": "INPUT0", "shape": [len(rows), len(rows[0])], "datatype": "FP32", "data": rows}
    return json.dumps({**members, "inputs": [tensor]}).encode()


def infer_binary(rows, columns, data):
    """The head's field and the body of an inference of `identity` whose tensor is `data`, both ways."""
    tensor = {"name": "INPUT0", "shape": [rows, columns], "datatype": "FP32",
              "parameters": {"binary_data_size": len(data)}}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    return f"Inference-Header-Content-Length: {len(head)}", head + data
