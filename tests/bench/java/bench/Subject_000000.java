/* SPDX-License-Identifier: Apache-2.0 */
package bench;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntSupplier;

/**
 * What gets swapped: an ordinary small class. Its number, and the last digits of its version,
 * are patched into copies of its class file.
 */
public class Subject_000000 implements IntSupplier {
    private final Map<String, List<Integer>> orders = new HashMap<>();
    private long total;

    @Override
    public int getAsInt() {
        return 0x5EED0000;
    }

    public void order(String customer, int amount) {
        if (customer == null || amount < 0) {
            throw new IllegalArgumentException("customer " + customer + " cannot order " + amount);
        }
        orders.computeIfAbsent(customer, key -> new ArrayList<>()).add(amount);
        total += amount;
    }

    public String bill(String customer) {
        StringBuilder text = new StringBuilder("bill of ").append(customer).append(":\n");
        int sum = 0;
        for (int amount : orders.getOrDefault(customer, new ArrayList<>())) {
            text.append("  ").append(amount).append('\n');
            sum += amount;
        }
        return text.append("sum ").append(sum).append(" of ").append(total).toString();
    }

    public static int rebate(int amount) {
        switch (amount / 100) {
            case 0: return 0;
            case 1: return 2;
            case 2:
            case 3: return 5;
            default: return 10;
        }
    }

    @Override
    public String toString() {
        try {
            return orders.size() + " customers, " + Long.parseLong(Long.toString(total));
        } catch (NumberFormatException impossible) {
            throw new AssertionError(impossible);
        }
    }
}
