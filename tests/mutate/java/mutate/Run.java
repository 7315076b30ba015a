/* SPDX-License-Identifier: Apache-2.0 */
package mutate;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * One JVM's share of the mutation run: pushes mutants of the victims into its own JVM through the
 * agent's socket, and runs every class that was accepted. What is pushed is in the file
 * "mutate.kept" before the agent sees it, and stays there if the JVM dies.
 *
 * <p>Properties: mutate.seed, mutate.mutants, mutate.seconds, mutate.socket, mutate.kept,
 * mutate.first and mutate.second (two trees of the same classes; the first is on the class path).
 * Ends with one line of "key=value".
 */
public final class Run {
    private static final Pattern ROW = Pattern.compile("\"class\":\"([^\"]*)\",\"loader\":(?:null|\"[^\"]*\"),"
            + "\"outcome\":\"([^\"]*)\",\"reason\":(?:null|\"([^\"]*)\")");
    private static final int STUCK_SECONDS = 5;
    private static final int MUTANTS_OF_A_PUSH = 8;
    private static final int PUSHES_BETWEEN_COLLECTIONS = 60;

    /**
     * A class in two versions with different constant pools; the mutants are made of the one
     * that is not live.
     */
    private static final class Victim {
        final Class<?> type;
        final Mutator[] versions;
        int live;

        Victim(Class<?> type, Mutator first, Mutator second) {
            this.type = type;
            versions = new Mutator[] {first, second};
        }
    }

    private final Random random = new Random(Long.getLong("mutate.seed"));
    private final MappedByteBuffer kept;
    private final List<Victim> victims = new ArrayList<>();
    private final Map<String, Victim> byName = new HashMap<>();
    private final Map<String, Integer> verdicts = new TreeMap<>();
    private final SynchronousQueue<Class<?>> work = new SynchronousQueue<>();
    private final SynchronousQueue<Class<?>> done = new SynchronousQueue<>();
    private int pushes;
    private int pushed;
    private int accepted;
    private int executed;
    private boolean stuck;

    public static String run() throws Exception {
        return new Run().go();
    }

    private Run() throws Exception {
        try (RandomAccessFile file = new RandomAccessFile(System.getProperty("mutate.kept"), "rw")) {
            kept = file.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, 1 << 18);
        }
        Path first = Path.of(System.getProperty("mutate.first"), "victims");
        Path second = Path.of(System.getProperty("mutate.second"), "victims");
        try (Stream<Path> files = Files.list(first)) {
            for (Path file : files.sorted().toList()) {
                Class<?> type = Class.forName("victims." + file.getFileName().toString().replace(".class", ""));
                victims.add(new Victim(type, mutator(file), mutator(second.resolve(file.getFileName()))));
            }
        }
        victims.forEach(victim -> byName.put(victim.type.getName(), victim));
        victims.forEach(victim -> Exercise.exercise(victim.type));
    }

    private static Mutator mutator(Path file) throws IOException {
        return new Mutator(new Anatomy(Files.readAllBytes(file)));
    }

    private String go() throws Exception {
        Thread worker = new Thread(this::exerciseForEver, "exercise");
        worker.setDaemon(true);
        worker.start();
        int wanted = Integer.getInteger("mutate.mutants");
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(Integer.getInteger("mutate.seconds"));
        try (Connection agent = new Connection(System.getProperty("mutate.socket"))) {
            while (pushed < wanted && !stuck && System.nanoTime() - end < 0) {
                pushSome(agent);
            }
        }
        return "pushed=" + pushed + " accepted=" + accepted + " executed=" + executed
                + " stuck=" + (stuck ? 1 : 0) + " " + verdicts;
    }

    private void pushSome(Connection agent) throws Exception {
        Map<String, byte[]> mutants = mutantsOfSome();
        byte[] jar = Connection.jarOf(mutants);
        kept.putInt(0, jar.length).put(4, jar);
        String report = agent.push(jar);
        pushed += mutants.size();
        Matcher row = ROW.matcher(report);
        List<Victim> swapped = new ArrayList<>();
        for (int rows = 0; rows < mutants.size(); rows++) {
            if (!row.find()) {
                throw new IOException("no row for each class: " + report);
            }
            verdicts.merge(row.group(3) != null ? row.group(3) : row.group(2), 1, Integer::sum);
            if (row.group(2).equals("redefined")) {
                swapped.add(byName.get(row.group(1)));
            }
        }
        execute(swapped);
        if (++pushes % PUSHES_BETWEEN_COLLECTIONS == 0) {
            System.gc();
        }
    }

    private Map<String, byte[]> mutantsOfSome() {
        Collections.shuffle(victims, random);
        Map<String, byte[]> mutants = new LinkedHashMap<>();
        for (Victim victim : victims.subList(0, MUTANTS_OF_A_PUSH)) {
            mutants.put(victim.type.getName(), victim.versions[1 - victim.live].mutate(random));
        }
        return mutants;
    }

    /** None that comes behind one that does not return is counted. */
    private void execute(List<Victim> swapped) throws InterruptedException {
        swapped.forEach(victim -> victim.live = 1 - victim.live);
        for (Victim victim : swapped) {
            accepted++;
            work.put(victim.type);
            stuck = done.poll(STUCK_SECONDS, TimeUnit.SECONDS) == null;
            executed++;
            if (stuck) {
                return;
            }
        }
    }

    private void exerciseForEver() {
        try {
            for (;;) {
                Class<?> victim = work.take();
                Exercise.exercise(victim);
                done.put(victim);
            }
        } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
        }
    }
}
