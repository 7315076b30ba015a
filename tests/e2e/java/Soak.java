/* SPDX-License-Identifier: Apache-2.0 */
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntSupplier;

/**
 * Threads that call demo.Shop (an IntSupplier that says 1 or 2) all the time, and look at every answer.
 *
 * <pre>
 * moving       from now on either answer is right
 * settled N    from now on N is
 * figures      answers "CALLS WRONG METASPACE-KIB"
 * exit 0
 * </pre>
 *
 * With -Dsoak.retransform=yes another thread lets EditingAgent retransform its classes all the time.
 */
public final class Soak {
    private static final int WORKERS = 3;
    private static final AtomicLong calls = new AtomicLong();
    private static final AtomicLong wrong = new AtomicLong();
    private static volatile int expected = 1;
    private static volatile long phase; /* odd: moving */

    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        IntSupplier shop = (IntSupplier) Class.forName("demo.Shop").getDeclaredConstructor().newInstance();
        for (int i = 0; i < WORKERS; i++) {
            daemon("worker-" + i, () -> work(shop));
        }
        if (System.getProperty("soak.retransform") != null) {
            Method again = Class.forName("EditingAgent").getDeclaredMethod("retransform");
            again.setAccessible(true);
            daemon("retransformer", () -> retransform(again));
        }
        out.println("ready");
        for (String line; (line = in.readLine()) != null; ) {
            out.println(answer(line.split(" ")));
        }
    }

    private static void daemon(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
    }

    private static void work(IntSupplier shop) {
        for (long count = 1; ; count++) {
            long before = phase;
            int wanted = expected;
            int answer = shop.getAsInt();
            boolean settled = phase == before && before % 2 == 0;
            if (answer != 1 && answer != 2 || settled && answer != wanted) {
                wrong.incrementAndGet();
            }
            if (count % 1000 == 0) {
                calls.addAndGet(1000);
                Thread.yield();
            }
        }
    }

    /**
     * A ClassFormatError is JDK 25's own: it may hand a retransformation the class as it is edited already while it
     * is being redefined (seen without Hotdrop, with one agent that redefines and retransforms from two threads).
     */
    private static void retransform(Method again) {
        while (true) {
            try {
                again.invoke(null);
                Thread.sleep(2);
            } catch (ReflectiveOperationException | InterruptedException thrown) {
                if (!(thrown.getCause() instanceof ClassFormatError)) {
                    thrown.printStackTrace();
                    wrong.addAndGet(1000000);
                    return;
                }
            }
        }
    }

    private static String answer(String[] words) throws IOException {
        switch (words[0]) {
            case "moving":
                phase++;
                return "ok";
            case "settled":
                expected = Integer.parseInt(words[1]);
                phase++;
                return "ok";
            case "figures":
                System.gc();
                return calls.get() + " " + wrong.get() + " " + metaspace();
            case "exit":
                System.exit(Integer.parseInt(words[1]));
                return "";
            default:
                return "!unknown command " + words[0];
        }
    }

    private static long metaspace() {
        for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
            if (pool.getName().equals("Metaspace")) {
                return pool.getUsage().getUsed() / 1024;
            }
        }
        return -1;
    }
}
