/* SPDX-License-Identifier: Apache-2.0 */
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntSupplier;

/**
 * Threads that call demo.Shop (an IntSupplier that says 1 or 2) all the time, and look at every answer.
 *
 * <pre>
 * moving       from now on either answer is right
 * settled N    from now on N is
 * figures      answers "CALLS WRONG METASPACE-KIB RETRANSFORMATIONS REFUSED"
 * evidence     answers what is known of the first wrong answers
 * exit 0
 * </pre>
 *
 * With -Dsoak.retransform=yes another thread lets EditingAgent retransform its classes again and again: whenever the
 * class has been called some thousand times since, and as soon as somebody else redefines it, who then holds the class
 * until this thread is about to wait for it. "settled" is answered when the JVM has taken one since.
 */
public final class Soak {
    private static final int WORKERS = 2;
    private static final AtomicLong calls = new AtomicLong();
    private static final AtomicLong wrong = new AtomicLong();
    private static final int TOLD = 20; /* wrong answers; the others are only counted */
    private static final int CALLS_AT_ONCE = 1000;
    private static final Queue<String> evidence = new ConcurrentLinkedQueue<>();
    private static final Semaphore due = new Semaphore(0); /* a retransformation: so many thousand calls were made */
    private static final int DUE = 40;
    private static volatile int expected = 1;
    private static volatile long phase; /* odd: moving */
    private static volatile long phaseBegan = System.nanoTime();
    private static volatile long retransformations; /* begun */
    private static volatile long retransformationBegan;
    private static volatile boolean retransforming;
    private static volatile long refused;
    private static final Object through = new Object(); /* a retransformation is; guards what follows */
    private static long ended;
    private static long accepted;
    private static Thread retransformer; /* null: none */

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
            retransformer = daemon("retransformer", () -> retransform(again));
            Field changing = Class.forName("EditingAgent").getDeclaredField("changing");
            changing.setAccessible(true);
            changing.set(null, (Runnable) Soak::joinIn);
        }
        out.println("ready");
        for (String line; (line = in.readLine()) != null; ) {
            out.println(answer(line.split(" ")));
        }
    }

    private static Thread daemon(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    private static void joinIn() {
        if (Thread.currentThread() == retransformer) {
            return;
        }
        due.release(DUE);
        while (!retransforming && retransformer.isAlive()) {
            Thread.yield();
        }
    }

    private static void work(IntSupplier shop) {
        for (long count = 1; ; count++) {
            long before = phase;
            int wanted = expected;
            int answer = shop.getAsInt();
            boolean settled = phase == before && before % 2 == 0;
            if (answer != 1 && answer != 2 || settled && answer != wanted) {
                tellOfWrong(answer, wanted, before);
            }
            if (count % CALLS_AT_ONCE == 0) {
                calls.addAndGet(CALLS_AT_ONCE);
                due.release();
                Thread.yield();
            }
        }
    }

    private static void tellOfWrong(int answer, int wanted, long when) {
        if (wrong.incrementAndGet() > TOLD) {
            return;
        }
        long now = System.nanoTime();
        evidence.add(String.format("%s %s: %d, not %d, %d us into phase %d; retransformation %d began %d us ago, %s",
                Instant.now(), Thread.currentThread().getName(), answer, wanted, (now - phaseBegan) / 1000, when,
                retransformations, (now - retransformationBegan) / 1000, retransforming ? "goes on" : "is over"));
    }

    /**
     * A ClassFormatError is JDK 25's own: what a retransformation has fetched may be freed while it waits for a
     * redefinition to be over (seen without Hotdrop).
     */
    private static void retransform(Method again) {
        while (true) {
            try {
                due.acquire(DUE);
                due.drainPermits();
                retransformationBegan = System.nanoTime();
                retransformations++;
                retransforming = true;
                again.invoke(null);
                end(true);
            } catch (ReflectiveOperationException | InterruptedException thrown) {
                refused++;
                if (!(thrown.getCause() instanceof ClassFormatError)) {
                    evidence.add(thrown + " for " + thrown.getCause());
                    wrong.addAndGet(1000000);
                    return;
                }
                end(false);
            } finally {
                retransforming = false;
            }
        }
    }

    private static void end(boolean taken) {
        synchronized (through) {
            ended++;
            accepted += taken ? 1 : 0;
            through.notifyAll();
        }
    }

    /* One that waited for a redefinition the JVM may refuse; the next one it takes. */
    private static void awaitRetransformation() throws InterruptedException {
        synchronized (through) {
            long before = accepted;
            while (accepted == before && retransformer.isAlive()) {
                long seen = ended;
                due.release(DUE);
                while (ended == seen && retransformer.isAlive()) {
                    through.wait(1000); /* it may have died of something: that is looked at once a second */
                }
            }
        }
    }

    private static void enterPhase() {
        phaseBegan = System.nanoTime();
        phase++;
    }

    private static String answer(String[] words) throws IOException, InterruptedException {
        switch (words[0]) {
            case "moving":
                enterPhase();
                return "ok";
            case "settled":
                expected = Integer.parseInt(words[1]);
                enterPhase();
                if (retransformer != null) {
                    awaitRetransformation();
                }
                return "ok";
            case "figures":
                System.gc();
                return calls.get() + " " + wrong.get() + " " + metaspace() + " " + retransformations + " " + refused;
            case "evidence":
                return String.join("; ", evidence);
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
