/* SPDX-License-Identifier: Apache-2.0 */
package victims;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.IntBinaryOperator;
import java.util.function.Supplier;

/**
 * Method bodies with as many kinds of instructions, frames, handlers and call sites as javac
 * makes.
 */
@SuppressWarnings("unused")
class Code {
    private static int counter;
    private static volatile long wide = Version.LONG;
    private double real = Version.DOUBLE;
    private final Object lock = new Object();

    static int arithmetic(int a, long b, float c, double d) {
        int i = a * 31 + (a >>> 3) - (a << 2) ^ (a | 0x55);
        long l = b / 3 + (b % 7) * Version.LONG - (b >> 2) & ~b;
        float f = c * 2.5f - (float) d;
        double g = d / 0.5 + l + f + (byte) i + (short) l + (char) i;
        i += g > 100 ? 1 : f < 3 ? 2 : l == 4 ? 3 : 4;
        i++;
        i -= 1000;
        return i + (int) g + Version.NUMBER;
    }

    static Object arrays(int size) {
        int n = size & 7;
        int[] ints = new int[n + 1];
        long[][] longs = new long[n + 1][2];
        Object[] objects = {"a", 1, 'c', 2L, Version.NAME, new boolean[] {true, false}, new byte[3], new short[] {1}, new char[2],
            new float[] {1f}, new double[1]};
        String[][][] cube = new String[2][3][];
        for (int i = 0; i < ints.length; i++) {
            ints[i] = i * i;
            longs[i][1] += ints[i];
        }
        cube[1][2] = new String[] {"x" + n};
        return Arrays.toString(ints) + longs[n][1] + objects.length + cube[1][2][0];
    }

    static String handlers(String text) throws IOException {
        StringBuilder trace = new StringBuilder();
        for (int round = 0; round < 3; round++) {
            try {
                try {
                    if (round == 1) {
                        throw new IOException(text + Version.NAME);
                    }
                    trace.append(text.charAt(round + 2));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                } finally {
                    trace.append('f').append(round);
                }
            } catch (UncheckedIOException | IndexOutOfBoundsException e) {
                trace.append(e.getClass().getSimpleName());
                continue;
            } catch (RuntimeException e) {
                break;
            } finally {
                counter++;
            }
            trace.append(';');
        }
        return trace.toString();
    }

    static String tables(int key, String word) {
        String dense;
        switch (key & 7) {
            case 0: dense = "zero"; break;
            case 1: dense = "one"; break;
            case 2: dense = Version.NAME; break;
            case 3:
            case 4: dense = "more"; break;
            default: dense = "many";
        }
        switch (key) {
            case -100000: return dense + "low";
            case 17: return dense + "seventeen";
            case Version.NUMBER: return dense + "number";
            default:
        }
        return switch (word) {
            case "Aa", "BB" -> dense + 1;
            case Version.NAME -> dense + 2;
            default -> dense + 3;
        };
    }

    synchronized Object locks(Code other) {
        synchronized (lock) {
            synchronized (Code.class) {
                real += other == null ? 1 : other.real;
            }
        }
        return real;
    }

    static Object callSites(int a, String b) throws Throwable {
        char c = (char) ('a' + (a & 7));
        String concat = a + b + c + 1.5f + Version.LONG + null + "\u0001\u0002 tags " + a * 2L + new int[0].length;
        IntBinaryOperator plus = (x, y) -> x + y + a + counter;
        Supplier<Map<String, Integer>> make = HashMap::new;
        BiFunction<String, Integer, Character> at = String::charAt;
        Runnable captured = () -> counter += b.length() + Version.NUMBER;
        captured.run();
        Map<String, Integer> map = make.get();
        map.merge(concat, 1, Integer::sum);
        MethodHandle length = MethodHandles.lookup().findVirtual(String.class, "length", MethodType.methodType(int.class));
        int n = (int) length.invokeExact(concat);
        assert n > 0 : "assertion " + Version.NAME;
        return plus.applyAsInt(n, 2) + "" + at.apply(concat, 0) + map.size();
    }

    static long loops(int n) {
        long sum = 0;
        outer:
        for (int i = 0; i < (n & 15); i++) {
            int j = i;
            do {
                if (j == 5) {
                    continue outer;
                }
                sum += j ^ wide;
                while (sum > 1000) {
                    sum >>= 1;
                    if (sum % 3 == 0) {
                        break outer;
                    }
                }
            } while (++j < 8);
        }
        return sum;
    }

    private static <T extends Comparable<? super T>> T larger(T one, T two, T... rest) {
        T best = one.compareTo(two) >= 0 ? one : two;
        for (T next : rest) {
            best = next.compareTo(best) > 0 ? next : best;
        }
        return best;
    }

    static Object run() throws Throwable {
        StringBuilder all = new StringBuilder();
        all.append(arithmetic(5, 6, 7, 8)).append(arrays(3)).append(handlers("abc")).append(tables(17, "BB")).append(loops(12));
        all.append(callSites(3, "b")).append(new Code().locks(new Code())).append(larger("a", "b", "c", Version.NAME));
        if (Version.SECOND) {
            all.append(Long.toHexString(wide)).append(String.format("%s %d", "second", 12));
        }
        return all;
    }
}
