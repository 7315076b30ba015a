/* SPDX-License-Identifier: Apache-2.0 */
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;

/** What the JaCoCo agent of this JVM has recorded, read from its execution data as its file format says. */
public final class Coverage {
    private static final int HEADER = 0x01;
    private static final int SESSION = 0x10;
    private static final int CLASS = 0x11;

    /** Probes of package demo that were run through, over all versions of its classes. */
    static int probes() throws Exception {
        Object agent = Class.forName("org.jacoco.agent.rt.RT").getMethod("getAgent").invoke(null);
        byte[] data = (byte[]) Class.forName("org.jacoco.agent.rt.IAgent").getMethod("getExecutionData", boolean.class)
                .invoke(agent, false);
        return count(new DataInputStream(new ByteArrayInputStream(data)));
    }

    private static int count(DataInputStream in) throws IOException {
        int hit = 0;
        while (true) {
            int block = in.read();
            switch (block) {
                case -1:
                    return hit;
                case HEADER:
                    in.readInt();
                    break;
                case SESSION:
                    in.readUTF();
                    in.readLong();
                    in.readLong();
                    break;
                case CLASS:
                    in.readLong();
                    boolean ours = in.readUTF().startsWith("demo/");
                    int probes = countBits(in);
                    hit += ours ? probes : 0;
                    break;
                default:
                    throw new EOFException("block " + block);
            }
        }
    }

    /* A length of seven bits a byte, then eight probes a byte. */
    private static int countBits(DataInputStream in) throws IOException {
        int length = 0;
        int part;
        int shift = 0;
        do {
            part = in.readUnsignedByte();
            length |= (part & 0x7F) << shift;
            shift += 7;
        } while ((part & 0x80) != 0);
        int set = 0;
        for (int left = (length + 7) / 8; left > 0; left--) {
            set += Integer.bitCount(in.readUnsignedByte());
        }
        return set;
    }
}
