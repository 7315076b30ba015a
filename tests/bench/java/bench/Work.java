/* SPDX-License-Identifier: Apache-2.0 */
package bench;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A fixed amount of computing and allocating; prints the nanoseconds that the part after warming
 * up took.
 */
public final class Work {
    private Work() {
    }

    public static void main(String[] arguments) {
        long checksum = rounds(200);
        long begun = System.nanoTime();
        checksum += rounds(1600);
        System.out.println(System.nanoTime() - begun + " " + checksum);
    }

    private static long rounds(int count) {
        long checksum = 0;
        for (int round = 0; round < count; round++) {
            Map<String, List<Integer>> map = new HashMap<>();
            for (int i = 0; i < 20_000; i++) {
                map.computeIfAbsent("key " + i % 997, key -> new ArrayList<>()).add(i);
            }
            for (Map.Entry<String, List<Integer>> entry : map.entrySet()) {
                for (int number : entry.getValue()) {
                    checksum = checksum * 31 + number ^ entry.getKey().hashCode();
                }
            }
        }
        return checksum;
    }
}
