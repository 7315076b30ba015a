/* SPDX-License-Identifier: Apache-2.0 */
package bench;

/** What is only loaded: its number is patched into copies of its class file. */
public class Filler_000000 {
    private int value;

    public int next() {
        return ++value;
    }

    public static String name(int number) {
        return "filler " + number;
    }
}
