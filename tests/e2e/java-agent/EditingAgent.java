/* SPDX-License-Identifier: Apache-2.0 */
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.lang.instrument.ClassDefinition;
import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.ProtectionDomain;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Edits the classes of package demo as tracing agents do: each gets a field and a method of the agent's, and its methods
 * call that method first. It carries its own editor, so that it works on every JDK.
 *
 * <pre>
 * -javaagent:editing-agent.jar=always       when a class loads and when it is redefined
 * -javaagent:editing-agent.jar=first-load   only when it loads
 * -javaagent:editing-agent.jar=FILE         as always, once there is such a file
 * -javaagent:editing-agent.jar=never
 * </pre>
 *
 * For tests to call: retransform() retransforms the classes of package demo that have loaded; redefine() redefines
 * demo.Greeter with the class file that the property editing.file names. After retransformMeanwhile() the next
 * redefinition of a class finds another thread retransforming it: that thread has fetched the class file already, and
 * waits until the class is free; outcome() waits until it is through. What is put into changing runs on whatever thread
 * redefines or retransforms a class, while it holds the class.
 */
public final class EditingAgent {
    private static final Set<String> loaded = ConcurrentHashMap.newKeySet();
    private static Instrumentation instrumentation;
    private static volatile Retransformer meanwhile;
    static volatile Runnable changing = () -> { };

    static String retransform() throws Exception {
        List<Class<?>> classes = new ArrayList<>();
        for (String name : loaded) {
            classes.add(Class.forName(name.replace('/', '.')));
        }
        instrumentation.retransformClasses(classes.toArray(new Class<?>[0]));
        return "ok";
    }

    static String redefine() throws Exception {
        byte[] file = Files.readAllBytes(Paths.get(System.getProperty("editing.file")));
        instrumentation.redefineClasses(new ClassDefinition(Class.forName("demo.Greeter"), file));
        return "ok";
    }

    static String retransformMeanwhile() {
        meanwhile = new Retransformer();
        return "ok";
    }

    static String outcome() throws InterruptedException {
        meanwhile.join();
        return meanwhile.outcome;
    }

    public static void premain(String when, Instrumentation given) {
        instrumentation = given;
        final boolean never = when.equals("never");
        final boolean always = !when.equals("first-load");
        final File condition = when.startsWith("/") ? new File(when) : null;
        instrumentation.addTransformer(new ClassFileTransformer() {
            @Override
            public byte[] transform(ClassLoader loader, String name, Class<?> redefined, ProtectionDomain domain,
                    byte[] file) {
                if (name == null || !name.startsWith("demo/")) {
                    return null;
                }
                loaded.add(name);
                Retransformer waiting = meanwhile;
                if (redefined != null) {
                    changing.run();
                }
                if (redefined != null && waiting != null && waiting.getState() == Thread.State.NEW) {
                    waiting.startAndAwaitTheLock();
                }
                if (never || redefined != null && !always || condition != null && !condition.exists()) {
                    return null;
                }
                try {
                    return new Editor(file).edit();
                } catch (IOException impossible) {
                    throw new IllegalStateException(impossible);
                }
            }
        }, true);
    }

    private static final class Retransformer extends Thread {
        private static final int LOOKS = 50;
        volatile String outcome;
        private volatile boolean begins;

        Retransformer() {
            super("meanwhile");
            setDaemon(true);
        }

        @Override
        public void run() {
            try {
                begins = true;
                outcome = retransform();
            } catch (Exception | LinkageError thrown) {
                outcome = thrown.toString();
            }
        }

        /* Nothing in Java tells of a lock of the JVM's own: the system says that the thread sleeps, and goes on so. */
        void startAndAwaitTheLock() {
            start();
            for (int asleep = 0; asleep < LOOKS && outcome == null; ) {
                asleep = begins && sleeps() ? asleep + 1 : 0;
                Thread.yield();
            }
        }

        private boolean sleeps() {
            for (File thread : new File("/proc/self/task").listFiles()) {
                try {
                    if (read(thread, "comm").trim().equals(getName())) {
                        String state = read(thread, "stat");
                        return state.charAt(state.lastIndexOf(')') + 2) == 'S';
                    }
                } catch (IOException gone) {
                    continue;
                }
            }
            return false;
        }

        private static String read(File directory, String name) throws IOException {
            return new String(Files.readAllBytes(directory.toPath().resolve(name)));
        }
    }

    /** Copies a class file piece by piece, and puts in what the agent adds. */
    private static final class Editor {
        private static final int INTERFACE = 0x0200;
        private static final int PRIVATE_STATIC_SYNTHETIC = 0x100A;
        private static final int CODE_OF_CALL = 4; /* invokestatic, nop: switches keep their padding */

        private final DataInputStream in;
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private final DataOutputStream out = new DataOutputStream(bytes);
        private String[] texts;
        private int next; /* the first of the agent's own constants */

        Editor(byte[] file) {
            in = new DataInputStream(new ByteArrayInputStream(file));
        }

        byte[] edit() throws IOException {
            copy(8);
            copyConstants();
            int access = in.readUnsignedShort();
            if ((access & INTERFACE) != 0) {
                return null;
            }
            int thisClass = in.readUnsignedShort();
            addConstants(thisClass);
            out.writeShort(access);
            out.writeShort(thisClass);
            copy(2);
            copy(2 * copyCount(0));
            copyFields();
            copyMethods();
            copyAttributes();
            return withCountOfConstants();
        }

        private int copyCount(int more) throws IOException {
            int count = in.readUnsignedShort();
            out.writeShort(count + more);
            return count;
        }

        private void copy(int length) throws IOException {
            byte[] piece = new byte[length];
            in.readFully(piece);
            out.write(piece);
        }

        private void copyConstants() throws IOException {
            next = copyCount(0);
            texts = new String[next];
            for (int i = 1; i < next; i++) {
                int tag = in.readUnsignedByte();
                out.writeByte(tag);
                if (tag == 1) {
                    texts[i] = in.readUTF();
                    out.writeUTF(texts[i]);
                } else if (tag == 5 || tag == 6) {
                    copy(8);
                    i++;
                } else {
                    copy(tag == 15 ? 3 : tag == 7 || tag == 8 || tag == 16 || tag == 19 || tag == 20 ? 2 : 4);
                }
            }
        }

        /* next: "$hits", "I", $hits I, this.$hits, "$count", "()V", $count ()V, this.$count, "Code" */
        private void addConstants(int thisClass) throws IOException {
            addMember(next, thisClass, "$hits", "I", 9);
            addMember(next + 4, thisClass, "$count", "()V", 10);
            out.writeByte(1);
            out.writeUTF("Code");
        }

        private void addMember(int first, int thisClass, String name, String type, int tag) throws IOException {
            out.writeByte(1);
            out.writeUTF(name);
            out.writeByte(1);
            out.writeUTF(type);
            out.writeByte(12);
            out.writeShort(first);
            out.writeShort(first + 1);
            out.writeByte(tag);
            out.writeShort(thisClass);
            out.writeShort(first + 2);
        }

        private void copyFields() throws IOException {
            for (int left = copyCount(1); left > 0; left--) {
                copy(6);
                copyAttributes();
            }
            out.writeShort(PRIVATE_STATIC_SYNTHETIC);
            out.writeShort(next);
            out.writeShort(next + 1);
            out.writeShort(0);
        }

        private void copyMethods() throws IOException {
            for (int left = copyCount(1); left > 0; left--) {
                copy(6);
                for (int attributes = copyCount(0); attributes > 0; attributes--) {
                    copyAttributeOfMethod();
                }
            }
            out.writeShort(PRIVATE_STATIC_SYNTHETIC);
            out.writeShort(next + 4);
            out.writeShort(next + 5);
            out.writeShort(1);
            out.writeShort(next + 8);
            out.writeInt(12 + 9);
            out.writeShort(2);
            out.writeShort(0);
            out.writeInt(9);
            writeUse(0xB2, next + 3); /* getstatic */
            out.writeShort(0x0460);   /* iconst_1, iadd */
            writeUse(0xB3, next + 3); /* putstatic */
            out.writeByte(0xB1);      /* return */
            out.writeInt(0);          /* neither handlers nor attributes */
        }

        private void writeUse(int instruction, int constant) throws IOException {
            out.writeByte(instruction);
            out.writeShort(constant);
        }

        /* The call goes before the code of methods without handlers and frames, whose offsets would have to be moved. */
        private void copyAttributeOfMethod() throws IOException {
            int name = copyCount(0);
            byte[] content = new byte[in.readInt()];
            in.readFully(content);
            boolean counts = texts[name].equals("Code") && isStraight(content);
            out.writeInt(content.length + (counts ? CODE_OF_CALL : 0));
            if (!counts) {
                out.write(content);
                return;
            }
            DataInputStream code = new DataInputStream(new ByteArrayInputStream(content));
            out.writeInt(code.readInt());
            out.writeInt(code.readInt() + CODE_OF_CALL);
            writeUse(0xB8, next + 7); /* invokestatic */
            out.writeByte(0);         /* nop */
            out.write(content, 8, content.length - 8);
        }

        private boolean isStraight(byte[] content) throws IOException {
            DataInputStream code = new DataInputStream(new ByteArrayInputStream(content));
            code.skipBytes(4);
            code.skipBytes(code.readInt());
            if (code.readUnsignedShort() > 0) {
                return false;
            }
            for (int left = code.readUnsignedShort(); left > 0; left--) {
                if (texts[code.readUnsignedShort()].equals("StackMapTable")) {
                    return false;
                }
                code.skipBytes(code.readInt());
            }
            return true;
        }

        private void copyAttributes() throws IOException {
            for (int left = copyCount(0); left > 0; left--) {
                copy(2);
                int length = in.readInt();
                out.writeInt(length);
                copy(length);
            }
        }

        private byte[] withCountOfConstants() {
            byte[] edited = bytes.toByteArray();
            edited[8] = (byte) ((next + 9) >> 8);
            edited[9] = (byte) (next + 9);
            return edited;
        }
    }
}
