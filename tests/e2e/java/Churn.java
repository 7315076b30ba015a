/* SPDX-License-Identifier: Apache-2.0 */
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.reflect.Array;
import java.lang.reflect.InvocationTargetException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Loads classes of a few names from many threads in ever new loaders, of which few are kept; also hidden classes, and on virtual threads where there are any. */
public final class Churn {
    private static final int THREADS = 4;
    private static final int LOADERS = 60; // a thread, in one burst
    private static final int KEPT = 40;
    private static final int NAMES = 20;

    private static final class Loader extends ClassLoader {
        Loader() {
            super(Churn.class.getClassLoader());
        }

        Class<?> define(String name) throws IOException {
            byte[] file = classFile(name);
            return defineClass(null, file, 0, file.length);
        }
    }

    private static final Deque<Loader> kept = new ArrayDeque<>();
    private static volatile CountDownLatch running = new CountDownLatch(0);

    /** The least that is a class. */
    private static byte[] classFile(String name) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.writeInt(0xCAFEBABE);
        out.writeInt(52);
        out.writeShort(5);
        out.writeByte(7);
        out.writeShort(2);
        out.writeByte(1);
        out.writeUTF(name);
        out.writeByte(7);
        out.writeShort(4);
        out.writeByte(1);
        out.writeUTF("java/lang/Object");
        for (int field : new int[] { 0x21, 1, 3, 0, 0, 0, 0 }) {
            out.writeShort(field);
        }
        return bytes.toByteArray();
    }

    private static void keep(Loader loader) {
        synchronized (kept) {
            kept.add(loader);
            if (kept.size() > KEPT) {
                kept.remove();
            }
        }
    }

    /** Nobody's match; there are none before 15. */
    private static void defineHidden() throws IOException, ReflectiveOperationException {
        Class<?> lookups = Class.forName("java.lang.invoke.MethodHandles$Lookup");
        Object lookup = Class.forName("java.lang.invoke.MethodHandles").getMethod("lookup").invoke(null);
        try {
            Object options = Array.newInstance(Class.forName("java.lang.invoke.MethodHandles$Lookup$ClassOption"), 0);
            lookups.getMethod("defineHiddenClass", byte[].class, boolean.class, options.getClass())
                    .invoke(lookup, classFile("Hidden"), false, options);
        } catch (ClassNotFoundException | NoSuchMethodException | InvocationTargetException none) {
            return;
        }
    }

    private static void load(long seed) throws IOException, ReflectiveOperationException {
        Random random = new Random(seed);
        for (int i = 0; i < LOADERS; i++) {
            Loader loader = new Loader();
            for (int name = random.nextInt(4); name < NAMES; name += 1 + random.nextInt(4)) {
                loader.define("churn/C" + name);
            }
            Class.forName("java.util.BitSet", false, loader); // asks its parents
            Array.newInstance(loader.loadClass("Churn"), 1);
            keep(loader);
        }
        defineHidden();
    }

    private static void start(Runnable work) {
        try {
            Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, work);
        } catch (ReflectiveOperationException none) {
            new Thread(work).start();
        }
    }

    static void begin(int round) {
        final CountDownLatch left = new CountDownLatch(THREADS);
        running = left;
        for (int i = 0; i < THREADS; i++) {
            final long seed = round * THREADS + i;
            Runnable work = new Runnable() {
                @Override
                public void run() {
                    try {
                        load(seed);
                        left.countDown();
                    } catch (IOException | ReflectiveOperationException e) {
                        throw new IllegalStateException(e);
                    }
                }
            };
            if (i == 0) {
                start(work);
            } else {
                new Thread(work).start();
            }
        }
    }

    static boolean isOver() {
        return running.getCount() == 0;
    }

    /** Until all have loaded what they have to; throws where one could not. */
    static void settle() throws InterruptedException {
        if (!running.await(1, TimeUnit.MINUTES)) {
            throw new IllegalStateException("a thread that loads classes does not end");
        }
        System.gc();
    }
}
