/* SPDX-License-Identifier: Apache-2.0 */
package mutate;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Speaks hotdrop.v1 (docs/protocol.md) over the agent's Unix socket: pushes jars and reads the
 * reports.
 */
final class Connection implements AutoCloseable {
    private static final int TEXT = 1;
    private static final int BINARY = 2;
    private static final int CLOSE = 8;
    private static final int PING = 9;
    private static final int PONG = 10;

    private final SocketChannel channel;
    private final DataInputStream in;
    private int lastId;

    Connection(String path) throws IOException {
        channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(path));
        in = new DataInputStream(new BufferedInputStream(Channels.newInputStream(channel)));
        shakeHands();
        receive();
    }

    /**
     * The report (or error) that ends this push, as JSON text. A class that is refused does not
     * keep the others out.
     */
    String push(byte[] jar) throws IOException {
        int id = ++lastId;
        String request = "{\"type\":\"push\",\"id\":" + id + ",\"size\":" + jar.length
                + ",\"name\":\"mutants.jar\",\"best_effort\":true}";
        send(TEXT, request.getBytes(StandardCharsets.UTF_8));
        send(BINARY, jar);
        for (;;) {
            String answer = receive();
            if (answer.contains("\"type\":\"report\"") || answer.contains("\"type\":\"error\"")) {
                return answer;
            }
        }
    }

    /** A jar of these classes, by name. */
    static byte[] jarOf(Map<String, byte[]> files) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 16);
        try (ZipOutputStream jar = new ZipOutputStream(bytes)) {
            for (Map.Entry<String, byte[]> file : files.entrySet()) {
                CRC32 crc = new CRC32();
                crc.update(file.getValue());
                ZipEntry entry = new ZipEntry(file.getKey().replace('.', '/') + ".class");
                entry.setMethod(ZipEntry.STORED);
                entry.setSize(file.getValue().length);
                entry.setCrc(crc.getValue());
                jar.putNextEntry(entry);
                jar.write(file.getValue());
            }
        }
        return bytes.toByteArray();
    }

    private void shakeHands() throws IOException {
        write(ByteBuffer.wrap(("GET / HTTP/1.1\r\nHost: localhost\r\n"
                + "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Protocol: hotdrop.v1\r\n\r\n").getBytes(StandardCharsets.US_ASCII)));
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            head.append((char) in.readUnsignedByte());
        }
        if (!head.toString().startsWith("HTTP/1.1 101")) {
            throw new IOException(head.toString());
        }
    }

    private void write(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /**
     * The mask is all zeros: the bytes stay as they are, and the frame is masked all the same
     * (RFC 6455 §5.3).
     */
    private void send(int opcode, byte[] payload) throws IOException {
        ByteBuffer frame = ByteBuffer.allocate(payload.length + 14).put((byte) (0x80 | opcode));
        if (payload.length < 126) {
            frame.put((byte) (0x80 | payload.length));
        } else if (payload.length < 65536) {
            frame.put((byte) (0x80 | 126)).putShort((short) payload.length);
        } else {
            frame.put((byte) (0x80 | 127)).putLong(payload.length);
        }
        write(frame.putInt(0).put(payload).flip());
    }

    private String receive() throws IOException {
        ByteArrayOutputStream message = new ByteArrayOutputStream();
        for (;;) {
            int first = in.readUnsignedByte();
            int length = in.readUnsignedByte();
            if (length == 126) {
                length = in.readUnsignedShort();
            } else if (length == 127) {
                length = Math.toIntExact(in.readLong());
            }
            byte[] payload = in.readNBytes(length);
            switch (first & 15) {
                case PING -> send(PONG, payload);
                case PONG -> { }
                case CLOSE -> throw new EOFException("the agent closed the connection: "
                        + new String(payload, StandardCharsets.UTF_8));
                default -> {
                    message.write(payload);
                    if ((first & 0x80) != 0) {
                        return message.toString(StandardCharsets.UTF_8);
                    }
                }
            }
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
