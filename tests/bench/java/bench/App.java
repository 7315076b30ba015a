/* SPDX-License-Identifier: Apache-2.0 */
package bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntSupplier;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * The application that is measured: many classes loaded, some of them subjects that are swapped
 * from version to version. Commands on standard input, one answer each:
 *
 * <pre>
 * define COUNT                     nanoseconds that the thread has the processor while it defines
 *                                  so many classes in a loader of their own
 * load SUBJECTS CLASSES            loads the subjects, and fillers until CLASSES are loaded
 * write FROM COUNT VERSION DIR     class files of subjects, below DIR
 * jar FROM COUNT VERSION FILE      the same as a jar
 * bare FROM COUNT VERSION          nanoseconds of one RedefineClasses
 * drop FROM VERSION FILE AS QUIET  nanoseconds from renaming FILE to AS until the subject answers with
 *                                  VERSION. Looking takes a processor from the agent and the JVM, as
 *                                  nobody does to the bare call: it begins after QUIET nanoseconds, and
 *                                  goes on to half a per cent
 * answer FROM                      the version of a subject
 * </pre>
 */
public final class App {
    private static final long MOST_NANOSECONDS = 60_000_000_000L;
    private static final long POLL_NANOSECONDS = 20_000; // with the kernel's slack about 0.08 ms
    private static final int FIRST_VERSION = 0x5EED0000;

    private static final class Fillers extends ClassLoader {
        void define(byte[] file) {
            defineClass(null, file, 0, file.length);
        }
    }

    private static Template subjectTemplate;
    private static IntSupplier[] subjects;
    private static Fillers fillers;

    public static void main(String[] arguments) throws Exception {
        subjectTemplate = new Template("Subject_000000");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        System.out.println("ready");
        for (String line; (line = in.readLine()) != null; ) {
            System.out.println(run(line.split(" ")));
        }
    }

    private static Object run(String[] words) throws Exception {
        switch (words[0]) {
            case "define":
                return define(number(words[1]));
            case "load":
                return load(number(words[1]), number(words[2]));
            case "write":
                return write(number(words[1]), number(words[2]), number(words[3]), Path.of(words[4]));
            case "jar":
                return jar(number(words[1]), number(words[2]), number(words[3]), Path.of(words[4]));
            case "bare":
                return bare(number(words[1]), number(words[2]), number(words[3]));
            case "drop":
                return drop(number(words[1]), number(words[2]), Path.of(words[3]), Path.of(words[4]),
                        Long.parseLong(words[5]));
            case "answer":
                return answer(number(words[1]));
            default:
                return "unknown command";
        }
    }

    private static int number(String word) {
        return Integer.parseInt(word);
    }

    private static int answer(int subject) {
        return subjects[subject].getAsInt() - FIRST_VERSION;
    }

    private static String name(int number) {
        return String.format("bench/Subject_%06d", number);
    }

    private static int load(int count, int classes) throws Exception {
        subjects = new IntSupplier[count];
        for (int i = 0; i < count; i++) {
            Class<?> type = Class.forName(name(i).replace('/', '.'));
            subjects[i] = (IntSupplier) type.getDeclaredConstructor().newInstance();
        }
        fillers = new Fillers();
        Template template = new Template("Filler_000000");
        for (int number = 1, left = classes - Bare.loadedClasses(); left > 0; number++, left--) {
            fillers.define(template.copy(number, 0));
        }
        System.gc();
        return Bare.loadedClasses();
    }

    private static long define(int count) throws Exception {
        Template template = new Template("Filler_000000");
        byte[][] files = new byte[count][];
        for (int i = 0; i < count; i++) {
            files[i] = template.copy(i + 1, 0);
        }
        Fillers loader = new Fillers();
        System.gc();
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long begun = threads.getCurrentThreadCpuTime();
        for (byte[] file : files) {
            loader.define(file);
        }
        return threads.getCurrentThreadCpuTime() - begun;
    }

    private static String write(int from, int count, int version, Path directory) throws IOException {
        Files.createDirectories(directory.resolve("bench"));
        for (int i = from; i < from + count; i++) {
            Files.write(directory.resolve(name(i) + ".class"), subjectTemplate.copy(i, version));
        }
        return "ok";
    }

    private static String jar(int from, int count, int version, Path file) throws IOException {
        try (ZipOutputStream jar = new ZipOutputStream(Files.newOutputStream(file))) {
            for (int i = from; i < from + count; i++) {
                jar.putNextEntry(new ZipEntry(name(i) + ".class"));
                jar.write(subjectTemplate.copy(i, version));
            }
        }
        return "ok";
    }

    private static long bare(int from, int count, int version) {
        Class<?>[] classes = new Class<?>[count];
        byte[][] files = new byte[count][];
        for (int i = 0; i < count; i++) {
            classes[i] = subjects[from + i].getClass();
            files[i] = subjectTemplate.copy(from + i, version);
        }
        long nanoseconds = Bare.redefine(classes, files);
        if (answer(from) != version) {
            throw new IllegalStateException("version " + version + " is not live");
        }
        return nanoseconds;
    }

    private static long drop(int subject, int version, Path from, Path to, long quiet) throws IOException {
        long begun = System.nanoTime();
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        for (long left; (left = begun + quiet - System.nanoTime()) > 0; ) {
            LockSupport.parkNanos(left);
        }
        long now = begun;
        while (answer(subject) != version) {
            now = System.nanoTime();
            if (now - begun > MOST_NANOSECONDS) {
                return -1;
            }
            LockSupport.parkNanos(Math.max(POLL_NANOSECONDS, (now - begun) / 200));
        }
        return System.nanoTime() - begun;
    }
}
