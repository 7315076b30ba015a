/* SPDX-License-Identifier: Apache-2.0 */
package mutate;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Where the parts of a sound class file lie (JVMS §4), so that mutations can aim. */
final class Anatomy {
    /** One attribute: where its name index stands, and its contents, from start to end. */
    record Attribute(String name, int header, int start, int end) {
    }

    final byte[] file;
    final int poolCount;
    /** By constant: its tag; 0 for none (the second half of a long or double). */
    final byte[] tags;
    /** Offsets of the indices inside the constant pool. */
    final List<Integer> poolIndices = new ArrayList<>();
    /** Offsets of the bytes of Utf8 constants: start and end by turns. */
    final List<Integer> texts = new ArrayList<>();
    /** Offsets of counts: constants, interfaces, fields, methods, attributes, exception table. */
    final List<Integer> counts = new ArrayList<>();
    final List<Attribute> attributes = new ArrayList<>();
    private final Map<Integer, String> names = new HashMap<>();
    private final ByteBuffer in;

    Anatomy(byte[] file) throws IOException {
        this.file = file;
        in = ByteBuffer.wrap(file).position(8);
        poolCount = count();
        tags = new byte[poolCount];
        for (int i = 1; i < poolCount; i++) {
            tags[i] = in.get();
            constant(i);
            i += tags[i] == 5 || tags[i] == 6 ? 1 : 0;
        }
        skip(6);
        skip(2 * count());
        members();
        members();
        attributes();
        if (in.hasRemaining()) {
            throw new IOException(in.remaining() + " bytes are left");
        }
    }

    int u2(int offset) {
        return Short.toUnsignedInt(in.getShort(offset));
    }

    private int count() {
        counts.add(in.position());
        return Short.toUnsignedInt(in.getShort());
    }

    private void skip(int length) {
        in.position(in.position() + length);
    }

    private void constant(int index) throws IOException {
        switch (tags[index]) {
            case 1 -> {
                int length = Short.toUnsignedInt(in.getShort());
                texts.add(in.position());
                texts.add(in.position() + length);
                names.put(index, new String(file, in.position(), length, StandardCharsets.UTF_8));
                skip(length);
            }
            case 3, 4 -> skip(4);
            case 5, 6 -> skip(8);
            case 7, 8, 16, 19, 20 -> indices(1);
            case 9, 10, 11, 12, 17, 18 -> indices(2);
            case 15 -> {
                skip(1);
                indices(1);
            }
            default -> throw new IOException("tag " + tags[index]);
        }
    }

    private void indices(int count) {
        for (int i = 0; i < count; i++) {
            poolIndices.add(in.position());
            skip(2);
        }
    }

    private void members() {
        for (int left = count(); left > 0; left--) {
            skip(6);
            attributes();
        }
    }

    private void attributes() {
        for (int left = count(); left > 0; left--) {
            int header = in.position();
            String name = names.get(Short.toUnsignedInt(in.getShort()));
            int length = in.getInt();
            int end = in.position() + length;
            attributes.add(new Attribute(name, header, in.position(), end));
            if (name.equals("Code")) {
                skip(4);
                skip(in.getInt());
                skip(8 * count());
                attributes();
            } else if (name.equals("Record")) {
                for (int components = count(); components > 0; components--) {
                    skip(4);
                    attributes();
                }
            }
            in.position(end);
        }
    }
}
