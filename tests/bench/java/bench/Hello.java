/* SPDX-License-Identifier: Apache-2.0 */
package bench;

/** Starts and ends; with an argument it waits until its input ends. */
public final class Hello {
    private Hello() {
    }

    public static void main(String[] arguments) throws java.io.IOException {
        System.out.println("ready");
        while (arguments.length > 0 && System.in.read() >= 0) {
            continue;
        }
    }
}
