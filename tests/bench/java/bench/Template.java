/* SPDX-License-Identifier: Apache-2.0 */
package bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** A compiled class of which numbered copies are made by patching bytes of the same length. */
final class Template {
    /** CONSTANT_Integer, and the first two bytes of 0x5EED0000. */
    private static final byte[] VERSION = {3, 0x5E, (byte) 0xED};

    private final byte[] file;
    private final byte[] name;

    Template(String simpleName) throws IOException {
        name = simpleName.getBytes(StandardCharsets.US_ASCII);
        try (InputStream in = Template.class.getResourceAsStream(simpleName + ".class")) {
            file = in.readAllBytes();
        }
    }

    byte[] copy(int number, int version) {
        byte[] copy = file.clone();
        byte[] digits = String.format("%06d", number).getBytes(StandardCharsets.US_ASCII);
        for (int at = 0; at + name.length <= copy.length; at++) {
            if (matches(copy, at, name)) {
                System.arraycopy(digits, 0, copy, at + name.length - digits.length, digits.length);
            } else if (matches(copy, at, VERSION)) {
                copy[at + 3] = (byte) (version >> 8);
                copy[at + 4] = (byte) version;
            }
        }
        return copy;
    }

    private static boolean matches(byte[] bytes, int at, byte[] wanted) {
        for (int i = 0; i < wanted.length; i++) {
            if (bytes[at + i] != wanted[i]) {
                return false;
            }
        }
        return true;
    }
}
